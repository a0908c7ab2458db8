"""Render procedural clips from random scenes, with maps of the kinds of objects and their motion."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from socal_core.pretraining.scenes import (
    KINDS,
    LAYERS,
    SHAPE,
    SMOKE,
    TUBE,
    Camera,
    Layer,
    RandomNumbers,
    sample_camera,
    sample_layer,
)

SOFTNESS = 14.0
"""Steepness of the border of an object; higher values are sharper."""
TUBE_LENGTH = 3.0
"""Length of a tube in half frame widths; it reaches beyond the frame wherever its tip is."""


@dataclass(frozen=True)
class Clips:
    """A batch of rendered clips and what they show."""

    video: torch.Tensor
    """RGB from 0 to 1, (clips, frames, 3, size, size)."""
    coverage: torch.Tensor
    """Fraction of each pixel that a kind of object covers, (clips, frames, KINDS, size, size)."""
    flow: torch.Tensor
    """Motion of the topmost object from one frame to the next, in half frame widths, (clips, frames, 2, size, size)."""
    camera: Camera
    layers: tuple[Layer, ...]


def render(clips: int, frames: int, size: int, generator: torch.Generator, kinds: tuple[int, ...] = LAYERS) -> Clips:
    """Render a batch of clips.

    Args:
        clips: Number of clips.
        frames: Frames in a clip.
        size: Height and width of a frame in pixels.
        generator: Source of all random numbers; its device renders the clips.
        kinds: The kind of each layer.

    Returns:
        The clips. The same generator state gives the same clips on the same kind of device.
    """
    rng = RandomNumbers(clips, generator)
    time = torch.linspace(0, 1, frames, device=generator.device)
    camera = sample_camera(rng, time)
    grid = _grid(size, generator.device)
    view = _through_camera(grid, camera)  # (clips, frames, size, size, 2)
    video = _sample_texture(_texture(rng, size), view)
    coverage = torch.zeros(clips, frames, KINDS, size, size, device=generator.device)
    flow = _motion_of(view).permute(0, 1, 4, 2, 3)
    attached = camera.attached[:, None, None, None, None]
    # Objects that are not attached to the background stay where they are in the frame when the camera moves.
    positions = view * attached + grid * (1 - attached)
    camera_flow = flow * camera.attached[:, None, None, None, None]
    layers = []
    for number in rng.order(len(kinds)):
        layer = sample_layer(rng, kinds[number], time)
        mask, own = _mask(rng, layer, positions)
        colour = _colour(rng, layer, own, size)
        opacity = (layer.presence * layer.opacity[:, None])[:, :, None, None, None]
        mask = mask[:, :, None] * opacity
        video = torch.lerp(video, colour, mask)
        coverage = coverage * (1 - mask)
        coverage[:, :, layer.kind] += mask[:, :, 0]
        speed = torch.diff(layer.path, dim=1, append=layer.path[:, -1:])[..., None, None]
        flow = torch.lerp(flow, camera_flow + speed, mask)
        layers.append(layer)
    return Clips(_add_camera_effects(rng, video, camera, grid), coverage, flow, camera, tuple(layers))


def _grid(size: int, device: torch.device) -> torch.Tensor:
    """Return the pixel centres as (x, y) from -1 to 1, (size, size, 2)."""
    axis = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x, y], -1)


def _through_camera(grid: torch.Tensor, camera: Camera) -> torch.Tensor:
    """Compute the position in the scene that each pixel shows, (clips, frames, size, size, 2)."""
    return _rotate(grid, camera.angle) / camera.zoom[:, :, None, None, None] + camera.shift[:, :, None, None, :]


def _rotate(points: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Rotate points (..., size, size, 2) by angles (clips, frames)."""
    cos, sin = torch.cos(angle)[:, :, None, None], torch.sin(angle)[:, :, None, None]
    x, y = points[..., 0], points[..., 1]
    return torch.stack([cos * x + sin * y, cos * y - sin * x], -1)


def _motion_of(view: torch.Tensor) -> torch.Tensor:
    """Compute the apparent motion of the background from one frame to the next."""
    return -torch.diff(view, dim=1, append=view[:, -1:])


def _noise(rng: RandomNumbers, size: int, channels: int, octaves: int, coarsest: int) -> torch.Tensor:
    """Generate smooth noise, (clips, channels, size, size)."""
    total = torch.zeros(rng.clips, channels, size, size, device=rng.device)
    for octave in range(octaves):
        cells = min(size, coarsest * 2**octave)
        values = rng.normal(channels, cells, cells)
        total += functional.interpolate(values, (size, size), mode="bicubic", align_corners=False) * 0.65**octave
    return total


def _texture(rng: RandomNumbers, size: int) -> torch.Tensor:
    """Generate a texture of three colours with coarse and fine structure, (clips, 3, size, size)."""
    coarsest = 1 + rng.order(4)[0]
    blend = torch.sigmoid(2 * _noise(rng, size, 2, 5, coarsest + 1))
    first, second, third = (rng.uniform(0, 1, 3, 1, 1) for _ in range(3))
    # Tissue and most scenes have few hues, so the colours of many textures are similar.
    closeness = rng.uniform(0, 0.9, 1, 1, 1)
    second, third = torch.lerp(second, first, closeness), torch.lerp(third, first, closeness * 0.8)
    a, b = blend[:, :1], blend[:, 1:]
    return first * a + second * (1 - a) * b + third * (1 - a) * (1 - b)


def _sample_texture(texture: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Sample a texture at positions (clips, frames, size, size, 2); the result is (clips, frames, 3, size, size)."""
    clips, frames, height, width, _ = positions.shape
    flat = positions.reshape(clips, frames * height, width, 2)
    found = functional.grid_sample(texture, flat, padding_mode="reflection", align_corners=False)
    return found.view(clips, 3, frames, height, width).transpose(1, 2)


def _mask(rng: RandomNumbers, layer: Layer, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Render the mask of an object, (clips, frames, size, size), and compute each pixel in the object's coordinates."""
    offset = positions - layer.path[:, :, None, None, :]
    own = _rotate(offset, layer.angle)
    scale = layer.size[:, :, None, None]
    if layer.kind == TUBE:
        return _tube(own, scale), own / 0.7
    x, y = own[..., 0] / scale, own[..., 1] / scale
    if layer.kind == SHAPE:
        return _shape(layer, x, y), own
    # The border of a liquid and all of a smoke cloud follow noise that stays fixed while the object grows.
    ragged = _noise(rng, positions.shape[-2], 1, 4, 3)
    roughness = rng.uniform(0.2, 0.6)[:, None, None, None]
    texture = _sample_texture(ragged.expand(-1, 3, -1, -1), own)[:, :, 0]
    y = y / layer.ratio[:, None, None, None].clamp(0.6, 1.6)
    steepness = 2.5 if layer.kind == SMOKE else SOFTNESS * 0.6
    return torch.sigmoid((1 - (x**2 + y**2).sqrt() + roughness * texture) * steepness), own


def _shape(layer: Layer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Render the mask of an ellipse, a rectangle, a star or a shape between them."""
    power = layer.exponent[:, None, None, None]
    y = y / layer.ratio[:, None, None, None]
    distance = ((x.abs() + 1e-6) ** power + (y.abs() + 1e-6) ** power).clamp(max=50)
    points = layer.points[:, None, None, None]
    waves = torch.where(points > 0, 0.35 * torch.sin(points * torch.atan2(y, x + 1e-6)), 0.0)
    return torch.sigmoid((1 - distance + waves) * SOFTNESS)


def _tube(own: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """Render the mask of a rod with a round tip at the origin that reaches out of the frame."""
    along, across = own[..., 0].clamp(0, TUBE_LENGTH), own[..., 1]
    distance = ((own[..., 0] - along) ** 2 + across**2).sqrt()
    return torch.sigmoid((1 - distance / width) * SOFTNESS * 0.7)


def _colour(rng: RandomNumbers, layer: Layer, own: torch.Tensor, size: int) -> torch.Tensor:
    """Render the colour of the pixels of an object, (clips, frames, 3, size, size)."""
    light = layer.light[:, :, None, None, None]
    if layer.kind in (SHAPE, TUBE):
        colour = _sample_texture(_texture(rng, size), own)
        if layer.kind == TUBE:  # round and often metallic: brightest along the middle
            across = (own[..., 1] * 0.7 / layer.size[:, :, None, None]).clamp(-1, 1)
            colour = torch.lerp(colour, (0.4 + 0.5 * (1 - across**2))[:, :, None], rng.uniform(0, 1, 1, 1, 1, 1))
        return colour * light
    plain = rng.uniform(0, 1, 1, 3, 1, 1)
    if layer.kind == SMOKE:
        plain = 0.7 + 0.3 * plain
    else:  # about half of the liquids are red
        red = plain * torch.tensor([1.0, 0.25, 0.25], device=plain.device).view(1, 1, 3, 1, 1)
        plain = torch.lerp(plain, red, rng.chance(0.5, 1, 1, 1, 1))
    shading = _sample_texture(0.15 * _noise(rng, size, 1, 3, 2).expand(-1, 3, -1, -1), own)
    return (plain + shading) * light


def _add_camera_effects(rng: RandomNumbers, video: torch.Tensor, camera: Camera, grid: torch.Tensor) -> torch.Tensor:
    """Add the effects of a camera: light, highlights, vignette, missing colour, blur and noise."""
    _, frames, _, size, _ = video.shape
    sparkle = torch.sigmoid((_noise(rng, size, 1, 6, 6) - rng.uniform(2.2, 3.5, 1, 1, 1)) * 8)[:, None]
    flicker = 0.5 + 0.5 * rng.uniform(0, 1, frames, 1, 1, 1)
    video = torch.lerp(video, torch.ones_like(video), sparkle * flicker * rng.chance(0.4, 1, 1, 1, 1))
    video = video * camera.gain[..., None, None]
    vignette = 1 - (grid**2).sum(-1) * rng.uniform(0, 0.45, 1, 1, 1, 1) * rng.chance(0.4, 1, 1, 1, 1)
    video = video * vignette
    grey = video.mean(2, keepdim=True)
    video = torch.lerp(video, grey.expand_as(video), rng.chance(0.15, 1, 1, 1, 1))
    soft = functional.avg_pool2d(video.flatten(0, 1), 3, stride=1, padding=1, count_include_pad=False)
    video = torch.lerp(video, soft.view_as(video), rng.chance(0.4, 1, 1, 1, 1))
    contrast = rng.uniform(0.5, 1.2, 1, 1, 1, 1)
    video = (video - 0.5) * contrast + 0.5 + rng.normal(1, 1, 1, 1) * 0.08
    noise = rng.normal(frames, 3, size, size) * rng.uniform(0, 0.02, 1, 1, 1, 1) * rng.chance(0.6, 1, 1, 1, 1)
    return (video + noise).clamp(0, 1)
