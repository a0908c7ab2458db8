"""Random scenes for procedural clips, as numbers: what moves, grows, appears and changes colour.

A scene has a textured background, a camera, light that drifts, and layers of four kinds of objects: shapes (from
ellipses to stars), tubes (instruments that enter from outside the frame), liquid (a region with a ragged border that
grows or shrinks) and smoke. All values are sampled for a whole batch of clips at once, on any device.

Positions are in half frame widths: the frame extends from -1 to 1. Time runs from 0 to 1 over a clip.
"""

from dataclasses import dataclass

import torch

SHAPE, TUBE, LIQUID, SMOKE = range(4)
KINDS = 4
LAYERS = (SHAPE, SHAPE, TUBE, TUBE, LIQUID, SMOKE)
"""The kind of each layer of a scene. A layer is empty in many clips."""
PRESENT = {SHAPE: 0.6, TUBE: 0.6, LIQUID: 0.6, SMOKE: 0.25}
"""Probability that a layer of each kind is present in a clip."""
ALWAYS_THERE = 0.5
"""Probability that an object is present from the first frame to the last."""
FADE_TIME = 0.04
"""Time in which an object appears or disappears, as a fraction of the clip."""


class RandomNumbers:
    """Random numbers for a batch of clips from one generator."""

    def __init__(self, clips: int, generator: torch.Generator) -> None:
        self.clips = clips
        self.device = generator.device
        self._generator = generator

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Sample numbers between low and high, (clips, *shape)."""
        return low + (high - low) * torch.rand(self.clips, *shape, generator=self._generator, device=self.device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Sample from the standard normal distribution, (clips, *shape)."""
        return torch.randn(self.clips, *shape, generator=self._generator, device=self.device)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """Sample 1 with this probability, otherwise 0; (clips, *shape)."""
        return (self.uniform(0, 1, *shape) < probability).float()

    def order(self, count: int) -> list[int]:
        """Sample a random order of 0 to count - 1, the same for all clips."""
        order: list[int] = torch.randperm(count, generator=self._generator, device=self.device).tolist()
        return order


@dataclass(frozen=True)
class Path:
    """A smooth path: uniform acceleration plus an oscillation."""

    start: torch.Tensor
    """Position at time 0, (clips, 2)."""
    velocity: torch.Tensor
    acceleration: torch.Tensor
    swing: torch.Tensor
    """Amplitude of the oscillation, (clips, 2)."""
    frequency: torch.Tensor
    """Number of oscillations in a clip, (clips, 1)."""
    phase: torch.Tensor

    def at(self, time: torch.Tensor) -> torch.Tensor:
        """Compute the positions, (clips, frames, 2), at times (frames,)."""
        t = time[None, :, None]
        steady = self.start[:, None] + self.velocity[:, None] * t + 0.5 * self.acceleration[:, None] * t**2
        wave = torch.sin(2 * torch.pi * self.frequency[:, None] * t + self.phase[:, None])
        return steady + self.swing[:, None] * wave


@dataclass(frozen=True)
class Layer:
    """The objects of one layer, one per clip."""

    kind: int
    presence: torch.Tensor
    """Visibility over time from 0 to 1, (clips, frames)."""
    path: torch.Tensor
    """Position of the centre, or of the tip of a tube, (clips, frames, 2)."""
    angle: torch.Tensor
    """Rotation in radians, (clips, frames)."""
    size: torch.Tensor
    """Radius, or half the width of a tube, (clips, frames)."""
    ratio: torch.Tensor
    """Height over width, (clips,)."""
    exponent: torch.Tensor
    """2 for an ellipse; higher values approach a rectangle, (clips,)."""
    points: torch.Tensor
    """Number of points of a star; 0 for other shapes, (clips,)."""
    opacity: torch.Tensor
    """Opacity of a fully present object, 0 to 1, (clips,)."""
    light: torch.Tensor
    """Brightness factor over time, (clips, frames)."""
    parameters: torch.Tensor
    """Targets of pre-training: time of appearing and disappearing, net motion (2), oscillation, growth and turn,
    (clips, 7)."""


@dataclass(frozen=True)
class Camera:
    """How the view moves and the light changes."""

    shift: torch.Tensor
    """Translation of the view, (clips, frames, 2)."""
    angle: torch.Tensor
    """Rotation in radians, (clips, frames)."""
    zoom: torch.Tensor
    """Magnification, (clips, frames)."""
    attached: torch.Tensor
    """1 if objects move with the background, otherwise 0, (clips,)."""
    gain: torch.Tensor
    """Factor of each colour over time, (clips, frames, 3)."""
    parameters: torch.Tensor
    """Targets of pre-training: net turn, zoom and shift (2), shake, light, (clips, 6)."""


def sample_camera(rng: RandomNumbers, time: torch.Tensor) -> Camera:
    """Sample how the camera and the light change over each clip, at times (frames,) from 0 to 1."""
    steady = rng.chance(0.4, 1)  # a fixed camera
    turn, zoom, velocity = (rng.normal(1) * 0.3, rng.normal(1) * 0.25, rng.normal(2) * 0.3)
    shake = rng.uniform(0, 0.05, 1) * rng.chance(0.3, 1)
    moves = 1 - steady
    jitter = rng.normal(len(time), 2) * shake[:, None]
    drift = rng.normal(1) * 0.3 * rng.chance(0.5, 1)
    tint = rng.normal(3) * 0.1 * rng.chance(0.4, 1)
    gain = (1 + drift[:, None] * time[None, :, None]) * (1 + tint[:, None] * time[None, :, None])
    white = 1 + rng.normal(1, 3) * 0.08
    shift = moves[:, None] * velocity[:, None] * time[None, :, None] + jitter
    parameters = torch.cat([moves * turn, moves * zoom, moves * velocity, shake * 10, drift], 1)
    return Camera(
        shift=shift,
        angle=moves * turn * time,
        zoom=(moves * zoom * time).exp(),
        attached=rng.chance(0.7),
        gain=(gain * white).clamp(0.2, 2.5),
        parameters=parameters,
    )


def sample_layer(rng: RandomNumbers, kind: int, time: torch.Tensor) -> Layer:
    """Sample one object of a kind per clip, at times (frames,) from 0 to 1."""
    tempo = (rng.normal(1) * 0.8 - 0.6).exp()  # many objects are slow, some are fast
    path = _sample_path(rng, kind, tempo)
    presence, appears, disappears = _sample_presence(rng, kind, time)
    growth = rng.normal(1) * (0.9 if kind == LIQUID else 0.35) * rng.chance(0.7, 1)
    start_size = {SHAPE: (0.08, 0.55), TUBE: (0.04, 0.16), LIQUID: (0.1, 0.7), SMOKE: (0.4, 1.2)}[kind]
    size = rng.uniform(*start_size, 1) * (growth * time).exp().clamp(0.15, 4)
    turn = rng.normal(1) * tempo * 1.5
    wobble = rng.normal(1) * 0.5 * rng.chance(0.4, 1)
    frequency, phase = rng.uniform(0.3, 5, 1), rng.uniform(0, 6.28, 1)
    if kind == TUBE:
        turn = turn * 0.3  # an instrument turns about the point where it enters the frame
    angle = rng.uniform(0, 6.28, 1) + turn * time + wobble * torch.sin(6.28 * frequency * time + phase)
    positions = path.at(time)
    light = rng.normal(1) * 0.3 * rng.chance(0.5, 1)
    oscillation = path.swing.norm(dim=1, keepdim=True) * path.frequency + wobble.abs() * frequency * 0.3
    net = positions[:, -1] - positions[:, 0]
    parameters = torch.cat([appears, disappears, net, oscillation, growth, turn], 1)
    return Layer(
        kind=kind,
        presence=presence,
        path=positions,
        angle=angle,
        size=size,
        ratio=rng.uniform(0.3, 1.6),
        exponent=rng.uniform(2, 6),
        points=(rng.uniform(2, 8).floor() * rng.chance(0.4)),
        opacity=rng.uniform(0.15, 0.6) if kind == SMOKE else rng.uniform(0.6, 1),
        light=1 + light * time,
        parameters=parameters,
    )


def _sample_path(rng: RandomNumbers, kind: int, tempo: torch.Tensor) -> Path:
    reach = 0.5 if kind in (LIQUID, SMOKE) else 1.0
    rest = 0.25 if kind == LIQUID else 1.0  # a liquid spreads rather than moves
    return Path(
        start=rng.uniform(-reach, reach, 2),
        velocity=rng.normal(2) * tempo * rest,
        acceleration=rng.normal(2) * tempo * rest,
        swing=rng.normal(2) * 0.2 * rng.chance(0.5, 1) * rest,
        frequency=rng.uniform(0.3, 6, 1),
        phase=rng.uniform(0, 6.28, 1),
    )


def _sample_presence(
    rng: RandomNumbers, kind: int, time: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sample presence over time, (clips, frames), and the times of appearing and disappearing, (clips, 1)."""
    present = rng.chance(PRESENT[kind], 1)
    always = rng.chance(ALWAYS_THERE, 1)
    appears = rng.uniform(-0.3, 0.9, 1)
    disappears = appears + rng.uniform(0.15, 1.5, 1)
    appears, disappears = torch.where(always > 0, -1.0, appears), torch.where(always > 0, 2.0, disappears)
    presence = torch.sigmoid((time - appears) / FADE_TIME) * torch.sigmoid((disappears - time) / FADE_TIME)
    return presence * present, appears.clamp(0, 1), disappears.clamp(0, 1)
