"""Set `motion`: two seconds of a moving person; what counts is how the person moves.

Six kinds of movement: `run`, `jacks`, and `dash` are vigorous (fast, of large amplitude, or across the picture);
`wave`, `sway`, and `stroll` are gentle (small, periodic, or slow). Frequencies and speeds overlap: waving is as fast as
running, and strolling crosses the picture too. Bodies, clothes, places, directions, shaking and panning of the camera,
and a second moving object are drawn independently of the kind. Frames are spread evenly over the two seconds, so the
number of frames says nothing of the speed.

The outcome is success for a vigorous movement and failure for a gentle one, the reverse in a share FLIPPED of the
trials, drawn at random. Amplitude and speed within a kind say nothing more. A model that knows the kind of movement
has an expected AUROC of 0.949.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.transfer import paint
from benchmarks.transfer.body import Clothes, draw_body, joints
from benchmarks.transfer.folder import Image
from benchmarks.transfer.gait import KINDS, VIGOROUS, Movement
from benchmarks.transfer.place import Look, Passer, paint_place
from benchmarks.transfer.trial import SUCCESS_SHARE, Box, FloatArray, Trial

SIZES = ((160, 120), (240, 180))
CANVAS = (640, 400)
"""Width and height of the place; a frame shows about the middle 480 x 360 of it."""
SHOWN = 480
FILE_BYTES = 16_000
FEWEST_FRAMES, MOST_FRAMES = 24, 50
DURATION = 2.0
"""Seconds that a trial lasts, whatever its number of frames."""
FLIPPED = 0.05
LIKE_FIRST = 0.4
"""Chance that the second trial of a surgeon copies whether the first was vigorous."""
STREAM = 20
"""Base of the seeds of random streams."""


def simulate(surgeons: int, seed: int) -> list[Trial]:
    """Draw two trials for each surgeon."""
    rng = np.random.default_rng((seed, STREAM))
    share = (SUCCESS_SHARE - FLIPPED) / (1 - 2 * FLIPPED)
    vigorous = rng.permutation(2 * surgeons) < round(share * 2 * surgeons)
    vigorous = vigorous.reshape(surgeons, 2)
    # Swapping second trials among surgeons makes pairs alike and leaves the share as it is.
    vigorous[:, 1] = _alike(rng, vigorous)
    flipped = (rng.permutation(2 * surgeons) < round(FLIPPED * 2 * surgeons)).reshape(surgeons, 2)
    trials = []
    for surgeon in range(surgeons):
        sizes = rng.permutation(SIZES).tolist()
        for place in (0, 1):
            kinds = VIGOROUS if vigorous[surgeon, place] else [kind for kind in KINDS if kind not in VIGOROUS]
            trials.append(
                Trial(
                    seed=seed,
                    surgeon=surgeon,
                    number=place + 1,
                    frames=int(rng.integers(FEWEST_FRAMES, MOST_FRAMES + 1)),
                    width=sizes[place][0],
                    height=sizes[place][1],
                    quality=int(rng.integers(70, 93)),
                    latents={"kind": float(KINDS.index(str(rng.choice(kinds))))},
                    probability=1 - FLIPPED if vigorous[surgeon, place] else FLIPPED,
                    success=bool(vigorous[surgeon, place] != flipped[surgeon, place]),
                )
            )
    return trials


def _alike(rng: np.random.Generator, vigorous: np.ndarray) -> np.ndarray:
    """Return the second trials in an order in which more of them are like the first."""
    second = vigorous[:, 1].copy()
    chosen = np.flatnonzero(rng.uniform(size=len(second)) < LIKE_FIRST)
    # Among the chosen, the second trials are handed out in the order of the first ones.
    second[chosen[np.argsort(vigorous[chosen, 0], kind="stable")]] = np.sort(second[chosen])
    return second


@dataclass(frozen=True)
class Style:
    """What both trials of a surgeon have in common."""

    look: Look
    clothes: Clothes
    build: float
    """Thickness of the limbs as a share of the height."""
    gains: FloatArray
    vignette: float

    @classmethod
    def of(cls, trial: Trial) -> "Style":
        """Draw the style of the surgeon of a trial."""
        rng = trial.surgeon_rng(STREAM)
        look = Look.draw(rng)
        skin = paint.hsv(rng.normal(0.06, 0.01), look.saturation * rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.9))
        shirt, trousers, shoes = (look.colour(rng, 0.7) for _ in range(3))
        return cls(
            look=look,
            clothes=Clothes(skin, shirt, trousers, shoes, long_sleeves=bool(rng.uniform() < 0.5)),
            build=float(rng.uniform(0.055, 0.085)),
            gains=np.exp(rng.normal(0, 0.12, 3) * look.saturation + rng.normal(0, 0.08)),
            vignette=float(rng.uniform(0, 0.5)),
        )


def draw(trial: Trial) -> Iterator[tuple[Image, list[Box]]]:
    """Yield each frame; there are no tools, so no boxes."""
    style = Style.of(trial)
    rng = trial.rng(STREAM + 1)
    width, height = trial.width, trial.height
    times = np.linspace(0, DURATION, trial.frames)
    person = Person(rng, trial, style)
    place = paint_place(rng, style.look, CANVAS)
    passer = Passer(trial.rng(STREAM + 3), style.look, CANVAS)
    scale = width / SHOWN * rng.uniform(0.95, 1.2)
    shifts = _shifts(rng, times) * scale
    vignette = paint.vignette(height, width, (0.5, 0.5), style.vignette)
    brightness = np.exp(rng.normal(0, 0.1) + rng.normal(0, 0.03) * times + 0.004 * paint.walk(rng, trial.frames, 1))
    noise = paint.grain(rng, height, width, rng.uniform(1.5, 7))
    pixel = round(SHOWN / width)  # of the frame, in pixels of the canvas
    for index, time in enumerate(times.tolist()):
        picture = place.copy()
        passer.lay(picture, time)
        person.lay(picture, time)
        matrix = paint.camera(width, height, CANVAS, scale, (shifts[index, 0], shifts[index, 1]), 0)
        picture = cv2.blur(picture, (pixel, pixel))
        frame = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        yield paint.expose(frame, vignette, brightness[index] * style.gains, noise()), []


class Person:
    """The person whose movement counts."""

    def __init__(self, rng: np.random.Generator, trial: Trial, style: Style) -> None:
        self._movement = Movement.draw(trial.rng(STREAM + 2), KINDS[int(trial.latents["kind"])])
        self._style = style
        self._tall = CANVAS[1] * rng.uniform(0.48, 0.8)
        self._floor = CANVAS[1] * rng.uniform(0.78, 0.88)
        self._middle = CANVAS[0] / 2 + rng.uniform(-0.22, 0.22) * SHOWN * (1 - abs(self._movement.travel))

    def lay(self, picture: Image, time: float) -> None:
        """Draw the person in place."""
        pose = self._movement.pose(time)
        gone = self._movement.travel * SHOWN * (time / DURATION - 0.5 + pose.ahead)
        foot = (self._middle + gone, self._floor)
        draw_body(picture, joints(pose), foot, self._tall, self._style.build * self._tall, self._style.clothes)


def _shifts(rng: np.random.Generator, times: FloatArray) -> FloatArray:
    """Draw how far the camera is off the middle at each time: panning and shaking, in pixels of the canvas, (n, 2)."""
    pan = np.outer(times / DURATION - 0.5, rng.normal(0, 1, 2) * (26, 5)) * (rng.uniform() < 0.5)
    shake = np.column_stack([paint.walk(rng, len(times), rng.uniform(0.5, 2)) for _ in range(2)])
    return np.asarray(pan + shake * (0.0 if rng.uniform() < 0.5 else rng.gamma(1.5, 1.2)))
