"""A bench with a tube on it through which something flows, a puddle at its end, and smoke."""

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.transfer import paint
from benchmarks.transfer.folder import Image
from benchmarks.transfer.paint import Colour
from benchmarks.transfer.trial import FloatArray

CANVAS = (576, 340)
"""Width and height."""
BENCHES = ("paper", "brushed", "planks", "tiles", "mat")


@dataclass(frozen=True, eq=False)
class Look:
    """What both trials of a surgeon have in common."""

    bench: str
    dark: Colour
    light: Colour
    tube: Colour
    fluid: Colour
    ink: Colour
    """Colour of outlines and of whatever is printed on the bench."""
    steel: Colour
    glove: Colour
    side: int
    """1 when the clamp is in the right hand, -1 when it is in the left."""
    gains: FloatArray
    light_from: tuple[float, float]
    vignette: float
    zoom: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Look":
        """Draw the look of a surgeon."""
        hue, level = rng.uniform(), rng.uniform(0.4, 0.8)
        return cls(
            bench=str(rng.choice(BENCHES)),
            dark=paint.hsv(hue, rng.uniform(0.05, 0.45), level - 0.15),
            light=paint.hsv(hue + rng.normal(0, 0.04), rng.uniform(0.05, 0.4), level + 0.15),
            tube=paint.hsv(rng.uniform(), rng.uniform(0, 0.4), rng.uniform(0.5, 0.95)),
            fluid=paint.hsv(rng.uniform(), rng.uniform(0.4, 0.95), rng.uniform(0.1, 0.45)),
            ink=paint.hsv(rng.uniform(), 0.3, rng.uniform(0.05, 0.35)),
            steel=paint.hsv(rng.uniform(), rng.uniform(0, 0.3), rng.uniform(0.3, 0.9)),
            glove=paint.hsv(rng.uniform(), rng.uniform(0, 0.6), rng.uniform(0.3, 0.95)),
            side=1 if rng.uniform() < 0.7 else -1,
            gains=np.exp(rng.normal(0, 0.09, 3)),
            light_from=(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.2, 0.8))),
            vignette=float(rng.uniform(0.05, 0.6)),
            zoom=float(rng.uniform(0.88, 1.2)),
        )


def paint_bench(rng: np.random.Generator, look: Look) -> Image:
    """Paint the bench with what lies on it from the beginning."""
    width, height = CANVAS
    rows, columns = np.indices((height, width), dtype=np.float32)
    cloudy = 0.25 * paint.fractal(rng, height, width, 120, 3)
    if look.bench == "brushed":
        plane = cloudy + 0.35 * paint.noise(rng, height, width, 2, stretch=40)
    elif look.bench == "planks":
        plank = np.floor(rows / rng.uniform(40, 75))
        plane = 0.35 * np.sin(37 * plank) + 0.3 * paint.noise(rng, height, width, 4, stretch=14) + cloudy
    elif look.bench == "tiles":
        size = rng.uniform(38, 70)
        joint = ((rows % size) < 3) | ((columns % size) < 3)
        plane = np.where(joint, -0.9, cloudy + 0.2 * np.sin(51 * np.floor(rows / size) + 17 * np.floor(columns / size)))
    elif look.bench == "mat":
        step = rng.uniform(16, 30)
        line = ((rows % step) < 1.5) | ((columns % step) < 1.5)
        plane = np.where(line, 0.8, cloudy - 0.2)
    else:
        plane = cloudy + 0.08 * paint.noise(rng, height, width, 2)
    bench = np.clip(paint.shade(np.clip(plane, -1, 1).astype(np.float32), look.dark, look.light), 0, 255)
    bench = bench.astype(np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        _lay_thing(rng, bench, look)
    return bench


def _lay_thing(rng: np.random.Generator, bench: Image, look: Look) -> None:
    """Draw a bowl, a ruler, or a folded cloth somewhere near the edge."""
    width, height = CANVAS
    x, y = rng.uniform(0.05, 0.95) * width, rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.8, 0.98)]) * height
    colour = paint.hsv(rng.uniform(), rng.uniform(0, 0.7), rng.uniform(0.3, 0.95))
    shape = rng.integers(3)
    if shape == 0:
        radius = round(rng.uniform(16, 38))
        cv2.circle(bench, (round(x), round(y)), radius, look.ink, -1, cv2.LINE_AA)
        cv2.circle(bench, (round(x), round(y)), radius - 3, colour, -1, cv2.LINE_AA)
        return
    size = (rng.uniform(90, 170), rng.uniform(10, 20)) if shape == 1 else tuple(rng.uniform(30, 80, 2))
    corners = cv2.boxPoints(((x, y), size, float(rng.uniform(-30, 30)))).astype(np.int32)
    cv2.fillConvexPoly(bench, corners, colour, cv2.LINE_AA)
    cv2.polylines(bench, [corners], True, look.ink, 1, cv2.LINE_AA)


class Tube:
    """A tube from one edge of the canvas to its open end; the points run in the direction of flow."""

    def __init__(self, rng: np.random.Generator, look: Look, clamped: float) -> None:
        width, height = CANVAS
        across = np.linspace(-0.05, rng.uniform(0.8, 0.92), 60)
        bends = rng.uniform(0.05, 0.16) * np.sin(2 * np.pi * (across * rng.uniform(0.6, 1.5) + rng.uniform()))
        points = np.column_stack([across * width, (rng.uniform(0.42, 0.6) + bends) * height])
        if rng.uniform() < 0.5:
            points[:, 0] = width - points[:, 0]
        self.points = points
        self.clamp_at = int(rng.integers(22, 37))
        """Index of the point at which the clamp closes."""
        self.thick = rng.uniform(11, 19)
        self._look, self._clamped = look, clamped
        self._speed = rng.uniform(1.5, 3.1)
        self._dash = int(rng.integers(3, 7))
        self._rim = rng.uniform(0.75, 1.25, 14)
        self._spill = rng.uniform(13.0, 16.0)

    def lay(self, picture: Image, second: int) -> None:
        """Draw the tube and its puddle in place."""
        open_for = min(second, self._clamped)
        self._puddle(picture, self._spill * np.sqrt(open_for + 3))
        since = second - self._clamped
        full = self.thick * (1.0 if since < 0 else 1.3)
        limp = self.thick * max(1 - 0.2 * max(since, 0), 0.45)
        before, behind = self.points[: self.clamp_at + 1], self.points[self.clamp_at :]
        for part, thick in ((behind, limp), (before, full)):
            self._line(picture, part + 3, thick + 2, tuple(0.5 * tone for tone in self._look.dark))
            self._line(picture, part, thick + 3, self._look.ink)
            self._line(picture, part, thick, self._look.tube)
        moved = self._speed * open_for
        self._dashes(picture, before, moved, 0.55 * full)
        if since < 4:
            self._dashes(picture, behind, moved + self.clamp_at, 0.55 * limp)

    def _dashes(self, picture: Image, part: FloatArray, moved: float, thick: float) -> None:
        """Draw the fluid in a part of the tube as drops in a row that has moved by so many points."""
        period = 2 * self._dash
        for start in np.arange(moved % period - period, len(part), period):
            first, last = max(round(start), 0), min(round(start) + self._dash, len(part))
            if last - first >= 2:
                self._line(picture, part[first:last], thick, self._look.fluid)

    def _puddle(self, picture: Image, radius: float) -> None:
        turns = np.linspace(0, 2 * np.pi, len(self._rim), endpoint=False)
        rim = np.column_stack([1.3 * np.cos(turns), np.sin(turns)]) * (radius * self._rim)[:, None] + self.points[-1]
        cv2.fillPoly(picture, [np.round(rim * 16).astype(np.int32)], self._look.fluid, cv2.LINE_AA, 4)

    @staticmethod
    def _line(picture: Image, points: FloatArray, thick: float, colour: tuple[float, ...]) -> None:
        corners = np.round(points * 16).astype(np.int32)
        cv2.polylines(picture, [corners], False, colour, max(round(thick), 1), cv2.LINE_AA, 4)


class Smoke:
    """Smoke that rises from one place for a while."""

    def __init__(self, rng: np.random.Generator, start: float) -> None:
        width, height = CANVAS[0] // 4, CANVAS[1] // 4
        self._start, self._length = start, rng.uniform(10, 24)
        self._density = rng.uniform(0.45, 0.9)
        self._tone = rng.uniform(185, 250)
        self._clouds = np.clip(0.5 + 0.45 * paint.fractal(rng, 2 * height, width, 22, 4), 0, 1)
        rows, columns = np.indices((height, width), dtype=np.float32)
        foot = rng.uniform(0.25, 0.75) * width, rng.uniform(0.5, 0.9) * height
        rise = np.clip((foot[1] - rows) / height, 0, 1)
        self._plume = np.exp(-(((columns - foot[0]) / (6 + 0.5 * width * rise)) ** 2)) * (rows < foot[1])
        self._fill = np.full((CANVAS[1], CANVAS[0], 3), self._tone, np.uint8)

    def lay(self, picture: Image, second: int) -> None:
        """Draw the smoke of a second in place."""
        since = second - self._start
        strength = self._density * min(since / 3, 1, (self._length - since) / 4)
        if strength <= 0:
            return
        height = self._plume.shape[0]
        clouds = np.roll(self._clouds, -round(7 * since), axis=0)[:height]
        cover = cv2.resize((strength * clouds * self._plume).astype(np.float32), CANVAS)
        picture[:] = cv2.blendLinear(self._fill, picture, cover, 1 - cover)
