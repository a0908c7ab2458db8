"""The blood of the set `field`: it wells up, runs downhill, is sucked away, and leaves stains."""

import cv2
import numpy as np

from benchmarks.transfer.field_look import SIDE, UNIT, Look, mix, pixel, plane
from benchmarks.transfer.field_noise import Plane, clouds
from benchmarks.transfer.field_plan import Plan
from benchmarks.transfer.folder import Image

HALF = SIDE // 2
"""Blood is computed at half the resolution of the surface."""
REACH = 0.29
"""Size of a jet of strength 1, in units of field_plan."""


class Blood:
    """The pool and the jet of a trial."""

    def __init__(self, rng: np.random.Generator, look: Look, plan: Plan) -> None:
        self._plan, self._look = plan, look
        ticks = (np.arange(HALF, dtype=np.float32) * 2 + 1 - SIDE / 2) / UNIT
        self._x, self._y = np.meshgrid(ticks, ticks)
        self._basin = self._paint_basin(rng)
        self._waves = [clouds(rng, HALF, HALF, 15, 2) for _ in range(2)]
        self._beat = rng.uniform(0.3, 0.7)
        self._inside = np.hypot(self._x, self._y) < 0.95
        self._stain = np.zeros((HALF, HALF), np.float32)
        self._stretched = self._jet_distance(rng)
        relief = clouds(rng, SIDE, SIDE, 20, 3)
        slope = np.roll(relief, 2, 0) - np.roll(relief, -2, 1)
        # Rolling makes a false slope along two sides.
        slope[:2], slope[:, -2:] = 0, 0
        self._gloss = (np.clip(slope - 0.75, 0, 1) * 240).clip(0, 190).astype(np.uint8)
        self._streaks = clouds(rng, HALF, HALF, 7, 2)

    def pour(self, tissue: Image, second: int) -> Image:
        """Return the tissue with the blood of a second on it."""
        phase = self._beat * second
        wave = np.float32(np.cos(phase)) * self._waves[0] + np.float32(np.sin(phase)) * self._waves[1]
        depth = self._depth(wave, second)
        pool = np.clip(9 * depth, 0, 1)
        jet = self._jet(wave, second)
        self._stain = np.maximum(0.985 * self._stain, pool)
        cover = np.maximum(np.maximum(0.94 * pool, jet), 0.22 * self._stain)
        deep, fresh = plane(self._look.deep), plane(self._look.fresh)
        thin = 0.35 * fresh + 0.65 * deep
        colour = thin + np.clip(2.2 * depth, 0, 1)[..., None] * (0.8 * deep - thin)
        colour *= (1 + 0.1 * wave)[..., None]
        streaks = np.roll(self._streaks, second * 23 % HALF, axis=0)
        bright = (0.9 + 0.09 * wave + 0.07 * streaks)[..., None] * fresh
        colour = mix(colour, bright, jet)
        surface = np.asarray(cv2.resize(np.clip(colour, 0, 255).astype(np.uint8), (SIDE, SIDE)), dtype=np.uint8)
        self._shine(surface, pool, second)
        full = cv2.resize(cover, (SIDE, SIDE))
        return np.asarray(cv2.blendLinear(surface, tissue, full, 1 - full), dtype=np.uint8)

    def _paint_basin(self, rng: np.random.Generator) -> Plane:
        """Paint the height of the ground as seen by the blood: it fills the lowest places first."""
        turn = rng.uniform(0, 2 * np.pi)
        x, y = self._x - self._plan.source[0], self._y - self._plan.source[1]
        down, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        basin = np.hypot(across, np.where(down > 0, down / rng.uniform(1.1, 2), down * rng.uniform(1, 1.4)))
        for _ in range(rng.integers(1, 4)):
            course = rng.normal(0, 0.5) * down + 0.07 * np.sin(down * rng.uniform(4, 9) + rng.uniform(0, 6))
            basin -= 0.5 * np.clip(down, 0, 0.8) * np.exp(-(((across - course) / rng.uniform(0.05, 0.1)) ** 2))
        return np.asarray(basin + 0.17 * clouds(rng, HALF, HALF, 40, 4), dtype=np.float32)

    def _jet_distance(self, rng: np.random.Generator) -> Plane:
        """Compute the distance from the source, shorter in the direction into which the jet goes."""
        turn = rng.uniform(0, 2 * np.pi)
        x, y = self._x - self._plan.source[0], self._y - self._plan.source[1]
        ahead, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        return np.asarray(np.hypot(across, np.where(ahead > 0, ahead / 1.5, ahead)), dtype=np.float32)

    def _depth(self, wave: Plane, second: int) -> Plane:
        """Depth of the pool, above 0 on just the share of the field that is planned."""
        ground = self._basin + np.float32(0.035) * wave
        suction = self._plan.suction
        if suction.inside[second]:
            x, y = suction.tip[second]
            away = (self._x - np.float32(x)) ** 2 + (self._y - np.float32(y)) ** 2
            ground += np.float32(0.45) * np.exp(-away / np.float32(0.02))
        surface = np.quantile(ground[self._inside][::3], self._plan.level[second])
        return np.asarray(np.float32(surface) - ground, dtype=np.float32)

    def _jet(self, wave: Plane, second: int) -> Plane:
        strength = self._plan.jet[second]
        edge = np.float32(REACH * strength) - self._stretched + np.float32(0.05 * min(strength, 1)) * wave
        return np.clip(14 * edge, 0, 1) if strength > 0.05 else np.zeros_like(edge)

    def _shine(self, surface: Image, pool: Plane, second: int) -> None:
        """Add reflections that wander over the pool, and one on the jet."""
        gloss = np.roll(self._gloss, (second * 37 % SIDE, second * 61 % SIDE), axis=(0, 1))
        wet = cv2.resize(pool, (SIDE, SIDE))
        gloss = cv2.multiply(gloss, wet, dtype=cv2.CV_8U)
        if self._plan.jet[second] > 0.3:
            x, y = np.round(pixel(self._plan.source)).astype(int).tolist()
            cv2.ellipse(gloss, (x - 3, y - 4), (9, 4), 25, 0, 360, 150, -1, cv2.LINE_AA)
        cv2.add(surface, cv2.merge((gloss, gloss, gloss)), surface)
