"""Set `field`: a surgeon fights a bleeding carotid artery, seen through a round endoscope.

What counts are five latent variables, all of which the first 60 seconds show:

- `controlled`: the second in which the jet of fresh blood stops, 8 to 56, or never.
- `flooded`: the share of the field that is under blood late, 0.06 to 0.75.
- `held`: for how many of the 60 seconds the muscle patch lies on the source; it follows from `patched`, the second in
  which it is placed (or never), and from `slips`, how often it comes off for SLIP seconds.
- `exchanges`: how often the suction leaves and returns, 0 to 6.
- `cleanings`: how often blood on the lens makes the endoscope go out to be cleaned, 0 to 5.

All are noisy signs of a standard normal `control`, half of whose variance belongs to the surgeon. The outcome is a
Bernoulli draw whose log odds are STEEPNESS times a weighted sum (`score`) of the five plus a constant. The expected
AUROC of a model that knows the five is 0.955 (0.92 to 0.98 in a set of 140 trials).

Colours of light, tissue, blood, and tools, the size of frames, zoom, mirroring, and haze belong to the surgeon. The
anatomy, where the blood runs, cotton pads, drifts of the light, and the shaking of the camera belong to the trial.
Flooded trials are redder, which gives the mean colour a part of the signal.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.transfer.field_blood import Blood
from benchmarks.transfer.field_lens import SIZES, Lens
from benchmarks.transfer.field_look import Look, paint_tissue
from benchmarks.transfer.field_plan import NEVER, SLIP, Plan
from benchmarks.transfer.field_tools import Tools
from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import Box, FloatArray, Trial, draw_control, draw_trials, success_probability

FILE_BYTES = 28_000
FEWEST_FRAMES, MOST_FRAMES = 60, 100
STEEPNESS = 3.8
STREAM = 60
"""Base of the seeds of random streams."""
WEIGHTS = {"controlled": (-0.37, 32, 14), "flooded": (-0.37, 0.32, 0.15), "held": (0.31, 23, 13)}
WEIGHTS |= {"exchanges": (-0.25, 2.6, 1.6), "cleanings": (-0.25, 1.9, 1.4)}
"""What a latent variable adds to the score: a weight, and the mean and standard deviation it is scaled by."""


def simulate(surgeons: int, seed: int) -> list[Trial]:
    """Draw two trials for each surgeon."""
    rng = np.random.default_rng((seed, STREAM))
    control = draw_control(rng, surgeons, shared=0.5)
    signs = _signs(rng, control)
    capped = signs | {"controlled": np.minimum(signs["controlled"], 60)}
    score = sum(
        (weight * (capped[name] - mean) / deviation for name, (weight, mean, deviation) in WEIGHTS.items()),
        np.zeros(len(control)),
    )
    probability = success_probability(score, STEEPNESS)
    sizes = [SIZES[index] for index in np.repeat(rng.integers(len(SIZES), size=surgeons), 2)]
    return draw_trials(rng, seed, signs, probability, sizes, (FEWEST_FRAMES, MOST_FRAMES), (60, 92))


def _signs(rng: np.random.Generator, control: FloatArray) -> dict[str, FloatArray]:
    """Draw what the frames show of each trial."""
    number = len(control)

    def sign(mean: float, slope: float, scatter: float) -> FloatArray:
        return mean + slope * control + rng.normal(0, scatter, number)

    controlled = np.maximum(sign(32, -9, 12), 8).round()
    controlled[controlled > 56] = NEVER
    patched = np.maximum(sign(31, -8, 12), 9).round()
    patched[patched > 54] = NEVER
    shown = np.maximum(60 - patched, 0)
    slips = np.clip(sign(1.2, -0.5, 0.9), 0, shown // 12).round()
    return {
        "controlled": controlled,
        "flooded": np.clip(sign(0.32, -0.09, 0.13), 0.06, 0.75),
        "patched": patched,
        "slips": slips,
        "held": shown - SLIP * slips,
        "exchanges": np.clip(sign(2.6, -1.0, 1.4), 0, 6).round(),
        "cleanings": np.clip(sign(1.9, -0.9, 1.2), 0, 5).round(),
    }


def draw(trial: Trial) -> Iterator[tuple[Image, list[Box]]]:
    """Yield each frame and the boxes of the tools in it."""
    look = Look.draw(trial.surgeon_rng(STREAM))
    rng = trial.rng(STREAM + 1)
    plan = Plan.draw(trial.rng(STREAM + 2), trial)
    tissue = paint_tissue(rng, look, plan.source)
    blood = Blood(trial.rng(STREAM + 3), look, plan)
    tools = Tools(trial.rng(STREAM + 4), look, plan)
    lens = Lens(trial.rng(STREAM + 5), look, trial, plan)
    for second in range(trial.frames):
        picture = blood.pour(tissue, second)
        outlines = tools.lay(picture, second)
        yield lens.see(picture, second), lens.boxes(outlines, second)
