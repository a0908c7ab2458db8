"""Set `clamp`: a tube on a bench that is to be clamped.

What counts are three latent variables, all of which the first 60
seconds show:

- `clamped`: the second in which a clamp closes around the tube, 8 to 56, or never. Then the tube is limp behind the
  clamp, wide before it, and what flows in it stands still.
- `exchanges`: how often the other hand changes its tool, 0 to 12.
- `smoke`: the second in which smoke begins. `order` is 1 where that is after the clamping and -1 where it is before.

All three are noisy signs of a standard normal `control`, half of whose variance belongs to the surgeon. The outcome is
a Bernoulli draw whose log odds are STEEPNESS times a weighted sum (`score`) of the three plus a constant. The expected
AUROC of a model that knows the three is 0.962 (0.94 to 0.98 in a set of 140 trials).

Colours of bench, tube, fluid, and tools, the light, and the hand that holds the clamp belong to the surgeon. A puddle
that grows while the tube is open and the smoke give the mean colour a weak signal.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.transfer import paint
from benchmarks.transfer.bench import CANVAS, Look, Smoke, Tube, paint_bench
from benchmarks.transfer.folder import Image
from benchmarks.transfer.hands import Clamp, OtherHand
from benchmarks.transfer.trial import Box, FloatArray, Trial, draw_control, draw_trials, success_probability

WIDTH, HEIGHT = 480, 270
FILE_BYTES = 40_000
FEWEST_FRAMES, MOST_FRAMES = 60, 120
STEEPNESS = 5.0
NEVER = 999.0
"""Stands for the second of something that does not happen."""
STREAM = 40
"""Base of the seeds of random streams."""


def simulate(surgeons: int, seed: int) -> list[Trial]:
    """Draw two trials for each surgeon."""
    rng = np.random.default_rng((seed, STREAM))
    control = draw_control(rng, surgeons, shared=0.5)
    signs = _signs(rng, control)
    clamping = (33 - np.minimum(signs["clamped"], 60)) / 13
    score = 0.55 * clamping + 0.4 * (5 - signs["exchanges"]) / 2.5 + 0.35 * signs["order"]
    probability = success_probability(score, STEEPNESS)
    sizes = [(WIDTH, HEIGHT)] * len(control)
    return draw_trials(rng, seed, signs, probability, sizes, (FEWEST_FRAMES, MOST_FRAMES), (70, 92))


def _signs(rng: np.random.Generator, control: FloatArray) -> dict[str, FloatArray]:
    """Draw what the frames show of each trial."""
    number = len(control)
    clamped = np.maximum(31 - 9 * control + rng.normal(0, 8, number), 8).round()
    clamped[clamped > 56] = NEVER
    exchanges = np.clip(5 - 1.3 * control + rng.normal(0, 1.8, number), 0, 12).round()
    gap = 5 * control + rng.normal(0, 11, number)
    gap = np.where(gap < 0, -1, 1) * np.clip(np.abs(gap), 4, 25)
    smoke = np.clip(np.minimum(clamped, 50) + gap, 3, 54).round()
    order = np.where(smoke > clamped, 1.0, -1.0)
    return {"clamped": clamped, "exchanges": exchanges, "smoke": smoke, "order": order}


def draw(trial: Trial) -> Iterator[tuple[Image, list[Box]]]:
    """Yield each frame and the boxes of the tools in it."""
    look = Look.draw(trial.surgeon_rng(STREAM))
    rng = trial.rng(STREAM + 1)
    bench = paint_bench(rng, look)
    clamped = trial.latents["clamped"]
    tube = Tube(trial.rng(STREAM + 2), look, clamped)
    clamp = Clamp(trial.rng(STREAM + 3), tube, look, clamped, trial.frames)
    other = OtherHand(trial.rng(STREAM + 4), look, int(trial.latents["exchanges"]), trial.frames)
    smoke = Smoke(trial.rng(STREAM + 5), trial.latents["smoke"])
    vignette = paint.vignette(HEIGHT, WIDTH, look.light_from, look.vignette)
    drift = np.linspace(-0.5, 0.5, trial.frames)[:, None]
    wander = 0.006 * paint.walk(rng, trial.frames, 8)[:, None]
    gains = look.gains * np.exp(rng.normal(0, 0.05, 3) + drift * rng.normal(0, (0.01, 0.01, 0.01)) + wander)
    shifts = np.column_stack([paint.walk(rng, trial.frames, 6) for _ in range(2)]) * rng.uniform(0.5, 7)
    zoom, angle = look.zoom * np.exp(rng.normal(0, 0.04)), rng.normal(0, 4)
    noise = paint.grain(rng, HEIGHT, WIDTH, rng.uniform(1.5, 6))
    for second in range(trial.frames):
        picture = bench.copy()
        tube.lay(picture, second)
        matrix = paint.camera(WIDTH, HEIGHT, CANVAS, zoom, (shifts[second, 0], shifts[second, 1]), angle)
        boxes = []
        for label, points in [*other.lay(picture, second), *clamp.lay(picture, second)]:
            box = paint.extents(points, matrix, WIDTH, HEIGHT)
            boxes += [Box(label, *box)] if box else []
        smoke.lay(picture, second)
        frame = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101)
        yield paint.expose(frame, vignette, gains[second], noise()), boxes
