"""The tissue of the set `unseen`: a relief, an opening in it, and the liquid that fills its hollows."""

import cv2
import numpy as np

from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import FloatArray, Trial
from benchmarks.transfer.unseen_look import CANVAS, LONGEST, Colour, Look, Plane, clouds, wander


def paint_tissue(rng: np.random.Generator, kind: str, colour: Colour) -> Image:
    """Paint wet tissue of one of TISSUES as light from one side shows it."""
    width, height = CANVAS
    relief = 9 * clouds(rng, width, height, rng.uniform(45, 80))
    if kind == "lobules":
        relief += 0.9 * _cells(rng)
    elif kind == "fibres":
        streaks = cv2.blur(rng.normal(size=(height, width)).astype(np.float32), (31, 3))
        angle = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 180), 1.4)
        relief += 10 * np.asarray(cv2.warpAffine(streaks, angle, (width, height), borderMode=cv2.BORDER_REFLECT))
    else:
        relief += 1.2 * clouds(rng, width, height, 10)
    across, down = cv2.Sobel(relief, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(relief, cv2.CV_32F, 0, 1) / 8
    heading = rng.uniform(0, 2 * np.pi)
    facing = np.cos(heading) * across + np.sin(heading) * down
    tone = np.clip(1 + 0.3 * facing + 0.08 * clouds(rng, width, height, 25), 0.35, 1.6)
    gleam = cv2.GaussianBlur(np.clip(facing - 0.95, 0, 0.8) * 200, (0, 0), 1.2)
    lit = tone[..., None] * np.asarray(colour, dtype=np.float32) + gleam[..., None]
    return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)


def _cells(rng: np.random.Generator) -> Plane:
    """Distance to the nearest of many random points: rounded cells."""
    width, height = CANVAS
    seeds = np.full((height, width), 255, np.uint8)
    number = int(rng.integers(120, 420))
    seeds[rng.integers(height, size=number), rng.integers(width, size=number)] = 0
    return np.asarray(-cv2.distanceTransform(seeds, cv2.DIST_L2, 5), dtype=np.float32)


class Field:
    """The tissue second by second, without tools."""

    def __init__(self, rng: np.random.Generator, trial: Trial, look: Look) -> None:
        self._look = look
        self.source = np.asarray(CANVAS) / 2 + rng.normal(0, 12, 2)
        """Where the liquid comes from, (x, y)."""
        self._base = paint_tissue(rng, look.tissue, look.surface)
        self._clutter(rng)
        self._inside = paint_tissue(rng, "fibres", look.depth)
        self._outline = _outline(rng)
        self._axis = rng.uniform(0, np.pi)
        self._widths = _widths(rng, trial.latents["exposure"])
        self._liquid = Liquid(rng, trial.latents["clearing"], look.liquid, self.source)

    def edge(self, second: int) -> FloatArray:
        """Return the outline of the opening, (n, 2); the first half of the points is one side of it."""
        along = np.array([np.cos(self._axis), np.sin(self._axis)])
        across = np.array([-along[1], along[0]])
        return np.asarray(
            self.source + self._outline[:, :1] * along + self._widths[second] * self._outline[:, 1:] * across
        )

    def paint(self, second: int) -> Image:
        """Return the canvas of a second."""
        edge = [np.round(self.edge(second) * 16).astype(np.int32)]
        mask = np.zeros(self._base.shape[:2], np.uint8)
        cv2.fillPoly(mask, edge, 255, cv2.LINE_8, 4)
        picture = self._base.copy()
        cv2.copyTo(self._inside, mask, picture)
        picture = self._liquid.pour(picture, second)
        # The rim stands above the liquid, so that the opening can always be seen.
        dark = tuple(0.45 * part for part in self._look.depth)
        cv2.polylines(picture, [edge[0] + 40], True, dark, 5, cv2.LINE_AA, 4)
        cv2.polylines(picture, edge, True, self._look.rim, 3, cv2.LINE_AA, 4)
        return picture

    def _clutter(self, rng: np.random.Generator) -> None:
        """Lay lobes of fat and vessels onto the tissue, away from the opening."""
        for _ in range(int(rng.integers(0, 6))):
            angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(110, 170)
            x, y = self.source + away * np.array([np.cos(angle), np.sin(angle)])
            lobes = np.column_stack([rng.normal(x, 16, 7), rng.normal(y, 12, 7), rng.uniform(7, 17, 7)])
            for shade, grow in ((0.7, 2), (1.0, 0)):
                colour = tuple(shade * part for part in self._look.fat)
                for left, top, radius in np.round(lobes).astype(int).tolist():
                    cv2.circle(self._base, (left, top), radius + grow, colour, -1, cv2.LINE_AA)
        for _ in range(int(rng.integers(0, 4))):
            ends = rng.uniform(0, 1, (3, 2)) * CANVAS
            share = np.linspace(0, 1, 24)[:, None]
            bow = (1 - share) ** 2 * ends[0] + 2 * share * (1 - share) * ends[1] + share**2 * ends[2]
            colour = tuple(0.75 * part for part in self._look.surface)
            points = [np.round(bow).astype(np.int32)]
            cv2.polylines(self._base, points, False, colour, int(rng.integers(2, 7)), cv2.LINE_AA)


def _outline(rng: np.random.Generator) -> FloatArray:
    """Draw the outline of an opening along the x axis; y is in shares of half of its width."""
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ripple = 1 + 0.05 * np.sin(3 * turns + rng.uniform(0, 6)) + 0.04 * np.sin(7 * turns + rng.uniform(0, 6))
    return np.column_stack([rng.uniform(70, 84) * np.cos(turns), np.sin(turns) * ripple])


def _widths(rng: np.random.Generator, exposure: float) -> FloatArray:
    """Draw half of the width of the opening for each second: it is pulled open within the first seconds."""
    seconds = np.arange(LONGEST)
    pulled = 1 / (1 + np.exp(-(seconds - rng.uniform(2, 9)) / rng.uniform(0.8, 2)))
    final = 9 + 45 * exposure
    return np.asarray((8 + (final - 8) * pulled) * np.exp(0.05 * wander(rng, 5)[:, 0]))


class Liquid:
    """Liquid that fills the lowest part of a relief and leaves a stain where it has been."""

    def __init__(self, rng: np.random.Generator, clearing: float, colour: Colour, source: FloatArray) -> None:
        width, height = CANVAS
        rows, columns = np.indices((height, width), dtype=np.float32)
        downhill = source + rng.normal(0, 22, 2)
        bowl = np.hypot((columns - downhill[0]) / rng.uniform(0.9, 1.35), rows - downhill[1])
        ground = bowl + rng.uniform(12, 24) * clouds(rng, width, height, 40) + 5 * clouds(rng, width, height, 12)
        # Ranks instead of heights: the level of the liquid is the share of the canvas under it.
        rank = np.empty(ground.size, np.float32)
        rank[np.argsort(ground, axis=None)] = np.linspace(0, 1, ground.size, dtype=np.float32)
        self._ground = rank.reshape(ground.shape)
        self._level = _levels(rng, clearing)
        self._peak = np.maximum.accumulate(self._level)
        gleam = 130 * np.clip(clouds(rng, width, height, 14) - 1.7, 0, 1)
        tone = 1 + 0.1 * clouds(rng, width, height, 30)
        colours = tone[..., None] * np.asarray(colour, dtype=np.float32) + gleam[..., None]
        self._colours = np.clip(colours, 0, 255).astype(np.uint8)
        self._stain = rng.uniform(0.12, 0.3)
        self._flow = rng.integers(-40, 40, (LONGEST, 2))

    def pour(self, picture: Image, second: int) -> Image:
        """Return the picture with the liquid of a second on it."""
        wet = np.clip((np.float32(self._level[second]) - self._ground) * 45, 0, 0.92)
        stained = np.clip((np.float32(self._peak[second]) - self._ground) * 45, 0, self._stain)
        cover = np.maximum(wet, stained).astype(np.float32)
        down, right = self._flow[second].tolist()
        colours = np.roll(self._colours, (down, right), (0, 1))
        return np.asarray(cv2.blendLinear(colours, picture, cover, 1 - cover), dtype=np.uint8)


def _levels(rng: np.random.Generator, clearing: float) -> FloatArray:
    """Draw the share of the canvas under liquid for each second: it rises, then clears or goes on spreading."""
    seconds = np.arange(LONGEST)
    start, middle = rng.uniform(0.02, 0.05), rng.uniform(0.1, 0.17)
    final = 0.02 + 0.32 * (1 - clearing)
    early = middle - (middle - start) * np.exp(-seconds / rng.uniform(4, 8))
    late = 1 / (1 + np.exp(-(seconds - rng.uniform(20, 34)) / rng.uniform(3, 7)))
    return np.asarray((early + (final - early) * late) * np.exp(0.08 * wander(rng, 5)[:, 0]))
