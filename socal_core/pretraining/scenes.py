"""Random scenes for procedural clips: what moves, grows, appears and changes colour, as numbers.

A scene has a textured background, a camera, light that drifts, and layers of four kinds of objects: shapes (from
ellipses to stars), tubes (instruments that enter from outside the frame), liquid (a region with a ragged border that
grows or shrinks) and smoke. Everything is drawn for a whole batch of clips at once, on any device.

Positions are in half frame widths: the frame spans -1 to 1. Time spans 0 to 1 over a clip.
"""

from dataclasses import dataclass

import torch

SHAPE, TUBE, LIQUID, SMOKE = range(4)
KINDS = 4
LAYERS = (SHAPE, SHAPE, TUBE, TUBE, LIQUID, SMOKE)
"""The kind of each layer of a scene. A layer is empty in many clips."""
PRESENT = {SHAPE: 0.6, TUBE: 0.6, LIQUID: 0.6, SMOKE: 0.25}
"""Probability that a layer of a kind is in a clip."""
ALWAYS_THERE = 0.5
"""Probability that an object is in view from the first frame to the last."""
EDGE_SECONDS = 0.04
"""How quickly an object appears or disappears, as a share of the clip."""


class Draws:
    """Random numbers for a batch of clips from one generator."""

    def __init__(self, clips: int, generator: torch.Generator) -> None:
        self.clips = clips
        self.device = generator.device
        self._generator = generator

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Numbers between low and high, (clips, *shape)."""
        return low + (high - low) * torch.rand(self.clips, *shape, generator=self._generator, device=self.device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Numbers from the standard normal distribution, (clips, *shape)."""
        return torch.randn(self.clips, *shape, generator=self._generator, device=self.device)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """1 with this probability, else 0; (clips, *shape)."""
        return (self.uniform(0, 1, *shape) < probability).float()

    def order(self, count: int) -> list[int]:
        """A random order of 0 ... count - 1, the same for all clips."""
        found: list[int] = torch.randperm(count, generator=self._generator, device=self.device).tolist()
        return found


@dataclass(frozen=True)
class Path:
    """A smooth path: uniform acceleration plus an oscillation."""

    start: torch.Tensor
    """(clips, 2)."""
    velocity: torch.Tensor
    acceleration: torch.Tensor
    swing: torch.Tensor
    """Amplitude of the oscillation, (clips, 2)."""
    frequency: torch.Tensor
    """Oscillations in a clip, (clips, 1)."""
    phase: torch.Tensor

    def at(self, time: torch.Tensor) -> torch.Tensor:
        """Positions at times (frames,): (clips, frames, 2)."""
        t = time[None, :, None]
        steady = self.start[:, None] + self.velocity[:, None] * t + 0.5 * self.acceleration[:, None] * t**2
        wave = torch.sin(2 * torch.pi * self.frequency[:, None] * t + self.phase[:, None])
        return steady + self.swing[:, None] * wave


@dataclass(frozen=True)
class Layer:
    """The objects of one layer, one for each clip."""

    kind: int
    presence: torch.Tensor
    """0 to 1 over time, (clips, frames)."""
    path: torch.Tensor
    """Of the centre, or of a tube's tip, (clips, frames, 2)."""
    angle: torch.Tensor
    """In radians, (clips, frames)."""
    size: torch.Tensor
    """Radius, or half the width of a tube, (clips, frames)."""
    ratio: torch.Tensor
    """Height over width, (clips,)."""
    exponent: torch.Tensor
    """2 gives an ellipse, more a rectangle; (clips,)."""
    points: torch.Tensor
    """Of a star, 0 for none; (clips,)."""
    opacity: torch.Tensor
    """(clips,)."""
    light: torch.Tensor
    """Factor of brightness over time, (clips, frames)."""
    numbers: torch.Tensor
    """What a model is asked for: appearing, disappearing, net motion (2), oscillation, growth, turn; (clips, 7)."""


@dataclass(frozen=True)
class Camera:
    """How the view moves and the light changes."""

    shift: torch.Tensor
    """(clips, frames, 2)."""
    angle: torch.Tensor
    """(clips, frames)."""
    zoom: torch.Tensor
    """(clips, frames)."""
    attached: torch.Tensor
    """1 where objects move with the background, (clips,)."""
    gain: torch.Tensor
    """Of each colour over time, (clips, frames, 3)."""
    numbers: torch.Tensor
    """Net turn, zoom and shift (2), shake, light; (clips, 6)."""


def draw_camera(draws: Draws, time: torch.Tensor) -> Camera:
    """Draw how the camera and the light change over a clip."""
    steady = draws.chance(0.4, 1)  # a fixed camera
    turn, zoom, velocity = (draws.normal(1) * 0.3, draws.normal(1) * 0.25, draws.normal(2) * 0.3)
    shake = draws.uniform(0, 0.05, 1) * draws.chance(0.3, 1)
    moves = 1 - steady
    jitter = draws.normal(len(time), 2) * shake[:, None]
    drift = draws.normal(1) * 0.3 * draws.chance(0.5, 1)
    tint = draws.normal(3) * 0.1 * draws.chance(0.4, 1)
    gain = (1 + drift[:, None] * time[None, :, None]) * (1 + tint[:, None] * time[None, :, None])
    white = 1 + draws.normal(1, 3) * 0.08
    shift = moves[:, None] * velocity[:, None] * time[None, :, None] + jitter
    numbers = torch.cat([moves * turn, moves * zoom, moves * velocity, shake * 10, drift], 1)
    return Camera(
        shift=shift,
        angle=moves * turn * time,
        zoom=(moves * zoom * time).exp(),
        attached=draws.chance(0.7),
        gain=(gain * white).clamp(0.2, 2.5),
        numbers=numbers,
    )


def draw_layer(draws: Draws, kind: int, time: torch.Tensor) -> Layer:
    """Draw one object of a kind for each clip."""
    tempo = (draws.normal(1) * 0.8 - 0.6).exp()  # many objects are slow, some are fast
    path = _draw_path(draws, kind, tempo)
    presence, appears, disappears = _draw_presence(draws, kind, time)
    growth = draws.normal(1) * (0.9 if kind == LIQUID else 0.35) * draws.chance(0.7, 1)
    start_size = {SHAPE: (0.08, 0.55), TUBE: (0.04, 0.16), LIQUID: (0.1, 0.7), SMOKE: (0.4, 1.2)}[kind]
    size = draws.uniform(*start_size, 1) * (growth * time).exp().clamp(0.15, 4)
    turn = draws.normal(1) * tempo * 1.5
    wobble = draws.normal(1) * 0.5 * draws.chance(0.4, 1)
    frequency, phase = draws.uniform(0.3, 5, 1), draws.uniform(0, 6.28, 1)
    if kind == TUBE:
        turn = turn * 0.3  # an instrument turns about the point where it enters
    angle = draws.uniform(0, 6.28, 1) + turn * time + wobble * torch.sin(6.28 * frequency * time + phase)
    positions = path.at(time)
    light = draws.normal(1) * 0.3 * draws.chance(0.5, 1)
    oscillation = path.swing.norm(dim=1, keepdim=True) * path.frequency + wobble.abs() * frequency * 0.3
    net = positions[:, -1] - positions[:, 0]
    numbers = torch.cat([appears, disappears, net, oscillation, growth, turn], 1)
    return Layer(
        kind=kind,
        presence=presence,
        path=positions,
        angle=angle,
        size=size,
        ratio=draws.uniform(0.3, 1.6),
        exponent=draws.uniform(2, 6),
        points=(draws.uniform(2, 8).floor() * draws.chance(0.4)),
        opacity=draws.uniform(0.15, 0.6) if kind == SMOKE else draws.uniform(0.6, 1),
        light=1 + light * time,
        numbers=numbers,
    )


def _draw_path(draws: Draws, kind: int, tempo: torch.Tensor) -> Path:
    reach = 0.5 if kind in (LIQUID, SMOKE) else 1.0
    rest = 0.25 if kind == LIQUID else 1.0  # a liquid spreads rather than moves
    return Path(
        start=draws.uniform(-reach, reach, 2),
        velocity=draws.normal(2) * tempo * rest,
        acceleration=draws.normal(2) * tempo * rest,
        swing=draws.normal(2) * 0.2 * draws.chance(0.5, 1) * rest,
        frequency=draws.uniform(0.3, 6, 1),
        phase=draws.uniform(0, 6.28, 1),
    )


def _draw_presence(draws: Draws, kind: int, time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Presence over time (clips, frames), and when an object appears and disappears (clips, 1), from 0 to 1."""
    there = draws.chance(PRESENT[kind], 1)
    always = draws.chance(ALWAYS_THERE, 1)
    appears = draws.uniform(-0.3, 0.9, 1)
    disappears = appears + draws.uniform(0.15, 1.5, 1)
    appears, disappears = torch.where(always > 0, -1.0, appears), torch.where(always > 0, 2.0, disappears)
    presence = torch.sigmoid((time - appears) / EDGE_SECONDS) * torch.sigmoid((disappears - time) / EDGE_SECONDS)
    return presence * there, appears.clamp(0, 1), disappears.clamp(0, 1)
