"""Paint what is behind the instruments: tissue with vessels and highlights, and the pool of blood.

Pictures are BGR uint8. The canvas is larger than the frame, so that the camera can move over it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from socal_core.demo.simulate import FloatArray, Stream, Trial

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

MARGIN = 0.07
"""How far the canvas extends beyond each edge of the frame, in frame heights."""
PALETTES = (
    # Pale, main and deep colour of the mucosa (BGR). All are far less saturated than blood.
    ((172, 188, 228), (136, 144, 208), (96, 98, 168)),
    ((160, 188, 230), (130, 150, 212), (92, 106, 172)),
    ((184, 192, 224), (150, 152, 206), (106, 106, 164)),
    ((166, 196, 234), (144, 158, 214), (102, 112, 178)),
)
FLESH, VESSEL, SHEEN = (150, 172, 216), (72, 62, 142), (236, 242, 255)
BLOOD_THIN, BLOOD_DEEP = np.array([30, 26, 196.0]), np.array([8, 4, 118.0])
STAIN = np.array([78, 74, 176.0])


@dataclass(frozen=True, eq=False)
class Background:
    """The static parts of the scene of one trial. All pictures have the size of the canvas."""

    margin: int
    """Pixels by which the canvas extends beyond each edge of the frame."""
    tissue: Image
    flood: Image
    """Order in which the pool covers the canvas: 0 at the vessel, 255 last."""
    rim: Image
    """How bright the edge of the pool is when it is at this pixel."""
    ripples: Image
    """Highlights on a deep pool."""
    levels: FloatArray
    """Fraction of the visible field under blood when the pool has risen to the flood value of the index, (256,)."""

    def view(self, area: float, stained: float, sway: tuple[int, int], second: int) -> Image:
        """Render what the camera sees.

        Args:
            area: Fraction of the field that the pool covers.
            stained: Largest fraction that the pool has covered; there the tissue keeps a stain.
            sway: Position (x, y) of the camera in pixels from the centre of the canvas.
            second: Time, which moves the highlights on the pool.
        """
        level, highest = (float(np.interp(field, self.levels, np.arange(256.0))) for field in (area, stained))
        colours, cover, edge, deep = _pool_tables(level, highest)
        flood, rim = self._crop(self.flood, sway), self._crop(self.rim, sway)
        glide = round(6 * np.sin(0.9 * second)), round(6 * np.cos(1.3 * second))  # the surface moves
        ripples = self._crop(self.ripples, (sway[0] + glide[0], sway[1] + glide[1]))
        shine = cv2.add(
            cv2.multiply(cv2.LUT(flood, edge), rim, scale=1 / 255),
            cv2.multiply(cv2.LUT(flood, deep), ripples, scale=1 / 255),
        )
        uncovered = cv2.merge([cv2.LUT(flood, 255 - cover)] * 3)
        tissue = cv2.multiply(self._crop(self.tissue, sway), uncovered, scale=1 / 255)
        pool = cv2.applyColorMap(flood, colours)
        return np.asarray(cv2.add(cv2.add(tissue, pool), cv2.merge([shine] * 3)), dtype=np.uint8)

    def _crop(self, plane: Image, sway: tuple[int, int]) -> Image:
        x, y = (min(max(self.margin + shift, 0), 2 * self.margin) for shift in sway)
        return plane[y : y + plane.shape[0] - 2 * self.margin, x : x + plane.shape[1] - 2 * self.margin]


def paint_background(trial: Trial, visible: Image) -> Background:
    """Paint the background of one trial.

    Args:
        trial: The simulated trial.
        visible: Mask of the field of view, 255 inside, (height, width). Areas are fractions of it.
    """
    rng = trial.rng(Stream.BACKGROUND)
    margin = round(MARGIN * trial.height)
    shape = (trial.height + 2 * margin, trial.width + 2 * margin)
    rows, columns = np.indices(shape, dtype=np.float32)
    # Offset from the vessel in frame heights.
    x = np.asarray((columns - shape[1] / 2) / trial.height - trial.site[0], dtype=np.float32)
    y = np.asarray((rows - shape[0] / 2) / trial.height - trial.site[1], dtype=np.float32)
    flood, rim = _flood(rng, x, y)
    field = flood[margin:-margin, margin:-margin][visible > 0]
    levels = np.cumsum(np.bincount(field, minlength=256)) / field.size
    return Background(
        margin=margin,
        tissue=_tissue(rng, x, y),
        flood=flood,
        rim=rim,
        ripples=_ripples(rng, shape),
        levels=levels,
    )


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> Plane:
    """Sample smooth noise of mean 0 and variance of about 1, with `cells` bumps in the height."""
    rows = max(int(cells), 1) + 3
    columns = max(int(cells * shape[1] / shape[0]), 1) + 3
    grid = rng.normal(size=(rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC) * 1.3, dtype=np.float32)


def _flood(rng: np.random.Generator, x: Plane, y: Plane) -> tuple[Image, Image]:
    """Paint the order in which the pool spreads from the vessel, and the brightness of its edge."""
    shape = (x.shape[0], x.shape[1])
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.35)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = (y * np.cos(turn) - x * np.sin(turn)) * stretch
    distance = np.sqrt(along**2 + across**2) - 0.12 * y  # sinks downward
    distance = distance * (1 + 0.16 * noise(rng, shape, 4)) + 0.022 * noise(rng, shape, 9)
    distance = cv2.GaussianBlur(distance, (0, 0), shape[0] / 90)
    slope_y, slope_x = np.gradient(distance * shape[0])
    facing = np.clip(0.8 * slope_x + 0.7 * slope_y, -1, 1)  # lit from the upper left
    rim = np.clip(30 + 190 * np.clip(facing, 0, 1) ** 2, 0, 255).astype(np.uint8)
    return np.clip(distance / 0.85 * 255, 0, 255).astype(np.uint8), rim


def _pool_tables(level: float, highest: float) -> tuple[Image, Image, Image, Image]:
    """Compute tables over the flood value for a pool that has risen to `level`.

    Args:
        level: Flood value of the edge of the pool.
        highest: Flood value up to which the tissue is stained.

    Returns:
        Colour times opacity, (256, 1, 3); opacity, brightness of the edge and brightness of the depth, (256,) each.
    """
    depth = level - np.arange(256.0)
    depth_fraction = np.clip(depth / 70, 0, 1) ** 0.8
    wet = np.clip(depth / 5 + 0.5, 0, 1) * (0.86 + 0.12 * depth_fraction)
    stain = 0.3 * np.clip((highest - np.arange(256.0)) / 25, 0, 1)
    cover = np.maximum(wet, stain)
    colour = np.where((wet >= stain)[:, None], BLOOD_THIN + (BLOOD_DEEP - BLOOD_THIN) * depth_fraction[:, None], STAIN)
    edge = np.exp(-(((depth - 3.5) / 3) ** 2))
    deep = np.clip((depth - 12) / 20, 0, 1)
    colour_table = np.ascontiguousarray((colour * cover[:, None]).round().astype(np.uint8)[:, None, :])
    return colour_table, _eight_bit(cover), _eight_bit(edge), _eight_bit(deep)


def _eight_bit(values: NDArray[np.floating]) -> Image:
    """Convert values from 0 to 1 to bytes."""
    return np.asarray(np.clip(values * 255, 0, 255).round(), dtype=np.uint8)


def _tissue(rng: np.random.Generator, x: Plane, y: Plane) -> Image:
    """Paint mucosa with folds, the bulge of the carotid, vessels and wet highlights."""
    shape = (x.shape[0], x.shape[1])
    pale, main, deep = (np.array(colour, dtype=np.float32) for colour in PALETTES[rng.integers(len(PALETTES))])
    tilt = rng.uniform(-0.5, 0.5)
    bulge = np.exp(-(((x + tilt * y + 0.05 * noise(rng, shape, 2)) / 0.17) ** 2))
    folds = noise(rng, shape, 3) + 0.42 * noise(rng, shape, 6)
    relief = 0.06 * bulge + 0.016 * folds
    relief = cv2.GaussianBlur(relief.astype(np.float32), (0, 0), shape[0] / 90)
    slope_y, slope_x = np.gradient(relief * shape[0])
    lit = (1 + 0.7 * slope_x + 0.9 * slope_y) / np.sqrt(1 + slope_x**2 + slope_y**2)
    fat = np.clip(0.5 + 0.5 * noise(rng, shape, 3), 0, 1)[..., None]
    hollow = np.clip(0.15 - 0.25 * folds, 0, 0.8)[..., None]
    colour = main + (pale - main) * fat
    colour += (np.array(FLESH, dtype=np.float32) - colour) * (0.7 * bulge)[..., None]
    colour += (deep - colour) * hollow
    colour = _vessels(rng, colour)
    # Shade darkens red less than blue, since light that has passed through tissue is red.
    colour *= 1 + (np.clip(lit, 0.5, 1.22) - 1)[..., None] * np.array([1.2, 1.15, 0.8], dtype=np.float32)
    glint = np.clip((lit - 1.08) * 9, 0, 1) * np.clip(noise(rng, shape, 22) - 1.4, 0, 1)
    colour += np.array(SHEEN, dtype=np.float32) * np.clip(1.5 * glint, 0, 1)[..., None]
    soft = cv2.GaussianBlur(colour, (0, 0), shape[0] / 450)  # smooth texture keeps the JPEGs small
    return np.clip(soft, 0, 255).astype(np.uint8)


def _vessels(rng: np.random.Generator, colour: Plane) -> Plane:
    """Paint branching vessels, which become thinner, onto the tissue."""
    height, width = colour.shape[:2]
    mask = np.zeros((height, width), dtype=np.uint8)
    starts = [(rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 2 * np.pi), 1.0) for _ in range(6)]
    while starts:
        x, y, heading, strength = starts.pop()
        points = [(x, y)]
        for _ in range(int(26 * strength)):
            heading += rng.normal(0, 0.28)
            x, y = x + np.cos(heading) * height / 45, y + np.sin(heading) * height / 45
            points.append((x, y))
            if strength > 0.4 and rng.uniform() < 0.09:
                starts.append((x, y, heading + rng.choice([-0.8, 0.8]), strength * 0.6))
        line = np.round(np.array(points) * 16).astype(np.int32)
        thick = max(1, round(3.2 * strength * height / 410))
        cv2.polylines(mask, [line], False, int(90 + 110 * strength), thick, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(mask, (0, 0), height / 400).astype(np.float32)[..., None] / 255
    return np.asarray(colour + (np.array(VESSEL, dtype=np.float32) - colour) * 0.75 * soft, dtype=np.float32)


def _ripples(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """Paint short bright arcs like reflections on a liquid."""
    waves = noise(rng, shape, 7) + 0.5 * noise(rng, shape, 15)
    crest = np.exp(-((waves / 0.10) ** 2)) * np.clip(noise(rng, shape, 5) - 0.75, 0, 0.6)
    return np.asarray(np.clip(crest * 330, 0, 200), dtype=np.uint8)
