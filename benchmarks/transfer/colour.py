"""Set `colour`: a liquid that is brought under control or spreads, among changes of colour that mean nothing.

A trial shows liquid that collects on a textured surface. From a random second on, the amount grows or shrinks at a rate
that follows from the latent `control`; in some surgeons' trials it is sucked away, in others it turns pale. The hue of
the liquid belongs to the surgeon; light that drifts, cloths, reflections, and a fixed object change the colours of the
frame as well. `control` is standard normal, and 60 % of its variance belongs to the surgeon.

The outcome is a Bernoulli draw whose log odds are STEEPNESS times `control` plus a constant. The suction is in view for
a share of the time that rises slightly with `control`. The expected AUROC of a model that knows `control` is 0.956
(0.93 to 0.98 in a set of 140 trials).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer import paint, tools
from benchmarks.transfer.folder import Image
from benchmarks.transfer.paint import Colour, Plane
from benchmarks.transfer.trial import Box, FloatArray, Trial, draw_control, draw_trials, success_probability

WIDTH, HEIGHT = 320, 180
CANVAS = (400, 240)
"""Width and height of the surface that the camera moves over."""
FILE_BYTES = 20_000
FEWEST_FRAMES, MOST_FRAMES = 60, 90
STEEPNESS = 4.4
LOBES = 7
"""Number of round patches that make up the liquid."""
STREAM = 1
"""Base of the seeds of random streams; each part of a picture adds its own number."""


def simulate(surgeons: int, seed: int) -> list[Trial]:
    """Draw two trials for each surgeon."""
    rng = np.random.default_rng((seed, STREAM))
    control = draw_control(rng, surgeons, shared=0.6)
    probability = success_probability(control, STEEPNESS)
    sizes = [(WIDTH, HEIGHT)] * len(control)
    latents = {"control": control}
    return draw_trials(rng, seed, latents, probability, sizes, (FEWEST_FRAMES, MOST_FRAMES), (70, 92))


@dataclass(frozen=True)
class Style:
    """What both trials of a surgeon have in common."""

    kind: str
    dark: Colour
    light: Colour
    liquid: Colour
    fades: bool
    """Whether the liquid turns pale instead of shrinking."""
    downhill: tuple[float, float]
    """How far the liquid runs for each unit of its size, as (x, y)."""
    gains: FloatArray
    """White balance: factors for blue, green, red."""
    vignette: Plane
    zoom: float
    cloth: Colour
    steel: Colour
    side: int
    """1 when the suction comes from the right, -1 when it comes from the left."""

    @classmethod
    def of(cls, trial: Trial) -> "Style":
        """Draw the style of the surgeon of a trial."""
        rng = trial.surgeon_rng(STREAM)
        hue, other = rng.uniform(), rng.normal(0, 0.12)
        liquid_hue = rng.normal(0, 0.06) if rng.uniform() < 0.5 else rng.uniform()
        # Half of the cloths and fixed objects have the hue of the liquid.
        cloth_hue = liquid_hue + rng.normal(0, 0.04) if rng.uniform() < 0.5 else rng.uniform()
        level = rng.uniform(0.35, 0.6)
        return cls(
            kind=str(rng.choice(paint.TEXTURES)),
            dark=paint.hsv(hue, rng.uniform(0.1, 0.5), level - 0.22),
            light=paint.hsv(hue + other, rng.uniform(0.1, 0.5), level + 0.25),
            liquid=paint.hsv(liquid_hue, rng.uniform(0.65, 0.95), rng.uniform(0.3, 0.75)),
            fades=bool(rng.uniform() < 0.35),
            downhill=(float(rng.normal(0, 45)), float(rng.uniform(-10, 70))),
            gains=np.exp(rng.normal(0, 0.1, 3)),
            vignette=paint.vignette(
                HEIGHT, WIDTH, (rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)), rng.uniform(0.1, 0.7)
            ),
            zoom=float(rng.uniform(0.85, 1.3)),
            cloth=paint.hsv(cloth_hue, rng.uniform(0.5, 0.9), rng.uniform(0.4, 0.8)),
            steel=paint.hsv(rng.uniform(), rng.uniform(0, 0.35), rng.uniform(0.2, 0.85)),
            side=1 if rng.uniform() < 0.75 else -1,
        )


def amounts(trial: Trial) -> FloatArray:
    """Compute the amount of liquid in each frame, about the share of the canvas under it."""
    rng = trial.rng(STREAM + 1)
    turn = rng.uniform(10, 26)
    start = rng.uniform(0.1, 0.26)
    rate = 0.055 * np.tanh(0.9 * trial.latents["control"]) + 0.012
    seconds = np.arange(trial.frames)
    before = start * (1 - np.exp(-(seconds + 2) / (0.45 * turn)))
    # The amount follows a logistic curve from the turn on, up from it or down.
    odds = start / (0.72 - start) * np.exp(-rate * (seconds - turn))
    after = 0.72 * odds / (1 + odds)
    after *= before[min(int(turn), trial.frames - 1)] / start
    level = np.where(seconds < turn, before, after)
    return np.clip(level * np.exp(0.08 * paint.walk(rng, trial.frames, 2)), 0, 0.75)


def draw(trial: Trial) -> Iterator[tuple[Image, list[Box]]]:
    """Yield each frame and the boxes of the tools in it."""
    style = Style.of(trial)
    rng = trial.rng(STREAM + 2)
    surface, liquid, cloths = _surface(rng, style), Liquid(trial, style), Cloths(trial, style)
    suction = tools.Tool(trial.rng(STREAM + 5), "suction", trial.frames, CANVAS, style.side, style.steel)
    grasper = tools.Tool(trial.rng(STREAM + 6), "grasper", trial.frames, CANVAS, -style.side, style.steel)
    share = 0.5 + 0.1 * trial.latents["control"] + rng.normal(0, 0.2)
    in_view = {
        suction: paint.intervals(rng, trial.frames, share, 4),
        grasper: paint.intervals(rng, trial.frames, rng.uniform(0.1, 0.8), 4),
    }
    gains = _light(rng, style, trial.frames)
    zoom = style.zoom * np.exp(rng.normal(0, 0.05))
    shifts = np.column_stack([paint.walk(rng, trial.frames, 5) for _ in range(2)]) * rng.uniform(1, 7)
    noise = paint.grain(rng, HEIGHT, WIDTH, rng.uniform(2, 7))
    for second in range(trial.frames):
        picture = liquid.pour(surface, second)
        cloths.lay(picture, second)
        matrix = paint.camera(WIDTH, HEIGHT, CANVAS, zoom, (shifts[second, 0], shifts[second, 1]), 0)
        boxes = []
        for tool, seen in in_view.items():
            if seen[second]:
                box = paint.extents(tool.draw(picture, second), matrix, WIDTH, HEIGHT)
                boxes += [Box(tool.label, *box)] if box else []
        frame = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101)
        yield paint.expose(frame, style.vignette, gains[second], noise()), boxes


def _surface(rng: np.random.Generator, style: Style) -> Image:
    """Paint the surface with a fixed object on it, often red."""
    width, height = CANVAS
    surface = paint.shade(paint.texture(rng, height, width, style.kind), style.dark, style.light)
    surface *= np.float32(np.exp(rng.normal(0, 0.1)))
    if rng.uniform() < 0.7:
        hue = rng.normal(0, 0.04) if rng.uniform() < 0.6 else rng.uniform()
        colour = paint.hsv(hue, rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.85))
        centre = (int(rng.uniform(0.15, 0.85) * width), int(rng.uniform(0.15, 0.85) * height))
        axes = (int(rng.uniform(12, 55)), int(rng.uniform(8, 35)))
        angle = float(rng.uniform(0, 180))
        if rng.uniform() < 0.5:
            cv2.ellipse(surface, centre, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), angle)).astype(np.int32)
            cv2.fillConvexPoly(surface, corners, colour, cv2.LINE_AA)
    return np.clip(surface, 0, 255).astype(np.uint8)


def _light(rng: np.random.Generator, style: Style, frames: int) -> FloatArray:
    """Draw the factors for blue, green, red in each frame: a drift and a slow wander, of brightness and of balance."""
    course = np.linspace(-0.5, 0.5, frames)[:, None]
    balance = rng.normal(0, 0.18, 3) * course + 0.025 * np.column_stack([paint.walk(rng, frames, 6) for _ in range(3)])
    brightness = rng.normal(0, 0.3) * course + 0.05 * paint.walk(rng, frames, 8)[:, None]
    return np.asarray(style.gains * np.exp(balance + brightness + rng.normal(0, 0.06, 3)))


class Liquid:
    """Round patches that flow together, at half the resolution of the canvas."""

    def __init__(self, trial: Trial, style: Style) -> None:
        rng = trial.rng(STREAM + 3)
        width, height = CANVAS
        self._level = amounts(trial)
        self._style = style
        self._grid = (np.arange(0, width, 2, dtype=np.float32), np.arange(0, height, 2, dtype=np.float32))
        source = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.6) * height])
        self._source = source + rng.normal(0, 1, (LOBES, 2)) * (45, 26)
        self._run = rng.uniform(-0.2, 1.6, LOBES)[:, None] * np.asarray(style.downhill)
        self._weight = rng.dirichlet(np.full(LOBES, 3.0))
        self._rough = 0.22 * paint.fractal(rng, height // 2, width // 2, 26, 3)
        relief = paint.fractal(rng, height, width, 22, 3)
        gloss = np.clip(90 * (np.roll(relief, 2, 0) - np.roll(relief, -2, 1) - 0.8), 0, 140)[..., None]
        self._surfaces = [
            np.clip(np.roll(gloss, shift, axis=1) + np.float32(style.liquid), 0, 255).astype(np.uint8)
            for shift in range(3)
        ]

    def pour(self, surface: Image, second: int) -> Image:
        """Return the surface with the liquid of a second on it."""
        level = float(self._level[second])
        peak = float(self._level[: second + 1].max())
        strength = 1.0
        if self._style.fades:
            level, strength = max(level, 0.85 * peak), min(level / max(peak, 1e-6), 1.0)
        cover = cv2.resize(self._cover(level) * np.float32(0.9 * strength), CANVAS, interpolation=cv2.INTER_LINEAR)
        liquid = self._surfaces[second % len(self._surfaces)]
        return np.asarray(cv2.blendLinear(liquid, surface, cover, 1 - cover), dtype=np.uint8)

    def _cover(self, level: float) -> Plane:
        """Opacity from 0 to 1 at half the resolution."""
        centres = self._source + self._run * level
        radius = np.sqrt(self._weight * level * CANVAS[0] * CANVAS[1] / 2.4) + 1e-3
        across = np.exp(-(((self._grid[0] - centres[:, :1]) / radius[:, None]) ** 2))
        along = np.exp(-(((self._grid[1] - centres[:, 1:]) / radius[:, None]) ** 2))
        field = (along.T @ across).astype(np.float32)
        return np.clip((field * (1 + self._rough) - 0.4) * 6, 0, 1)


class Cloths:
    """Cloths that are moved in and out and patches of light that wander, whatever the outcome."""

    def __init__(self, trial: Trial, style: Style) -> None:
        rng = trial.rng(STREAM + 4)
        width, height = CANVAS
        self._colour = style.cloth
        self._half = rng.uniform(18, 60, 2)
        ends = rng.uniform(-0.1, 1.1, (2, 2)) * (width, height)
        course = 1 / (1 + np.exp(-(np.arange(trial.frames) - rng.uniform(5, 55)) / rng.uniform(1, 8)))
        self._centre = ends[0] + course[:, None] * (ends[1] - ends[0])
        self._angle = rng.uniform(0, 180) + 25 * course
        self._present = rng.uniform() < 0.75
        self._stripes = int(rng.integers(3, 7))
        self._spot = rng.uniform(0.1, 0.9, 2) * (width, height)
        self._wander = np.column_stack([paint.walk(rng, trial.frames, 6) for _ in range(2)]) * (30, 20)
        self._bright = np.clip(paint.walk(rng, trial.frames, 4) * 60 + rng.uniform(-40, 70), 0, 170)
        self._size = int(rng.uniform(8, 34))

    def lay(self, picture: NDArray[np.uint8], second: int) -> None:
        """Draw onto the canvas in place."""
        if self._present:
            angle = np.deg2rad(self._angle[second])
            axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * self._half[:, None]
            for index in range(self._stripes):
                left, right = (2 * (index + end) / self._stripes - 1 for end in (0, 1))
                corners = np.array([[left, -1], [right, -1], [right, 1], [left, 1]]) @ axes + self._centre[second]
                tone = 1.0 if index % 2 else 0.86
                colour = tuple(tone * part for part in self._colour)
                cv2.fillConvexPoly(picture, np.round(corners).astype(np.int32), colour, cv2.LINE_AA)
        if self._bright[second] > 4:
            glow = np.zeros(picture.shape[:2], np.uint8)
            centre = np.round(self._spot + self._wander[second]).astype(int).tolist()
            cv2.ellipse(glow, centre, (self._size, self._size // 2), 20, 0, 360, float(self._bright[second]), -1)
            glow = cv2.blur(glow, (15, 15))
            cv2.add(picture, cv2.merge((glow, glow, glow)), picture)
