"""Set `unseen`: a leak in an opening of soft tissue that is to be brought under control; for one last measurement.

No setting may be chosen by a result on this set, and no model may be developed with a view of its frames. What counts
are four latent variables from 0 to 1, all of which the first 60 seconds show:

- `clearing`: the liquid rises in every trial; in the second half of the minute it clears (1) or spreads on (0).
- `hold`: a cottonoid is pressed onto the leak for 48 seconds at a stretch (1) or lifted after 4 (0), then again and
  again for a few.
- `calm`: the suction and the grasper hardly move from second to second (1) or jump about (0).
- `exposure`: the opening is pulled wide (1) or stays a slit (0).

Each is the normal distribution function of a normal variable, of whose variance SHARED is that of a common `control`;
half of the variance of `control` belongs to the surgeon. The outcome is a Bernoulli draw whose log odds are STEEPNESS
times the sum of the four plus a constant. The expected AUROC of a model that knows the four is 0.951 (0.91 to 0.98 in
a set of 140 trials).

Tissue, liquid, tools, light, haze, zoom, rotation, mirroring, shake of the camera, and the size of the frames belong to
the surgeon or the trial and say nothing of the outcome. The same holds for a piece of muscle, for when the suction and
the grasper are in view, and for drifts of light and colour.
"""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from benchmarks.transfer.folder import Image
from benchmarks.transfer.trial import Box, Trial, draw_control, draw_trials, success_probability
from benchmarks.transfer.unseen_field import Field
from benchmarks.transfer.unseen_look import LONGEST, Camera, Look
from benchmarks.transfer.unseen_tools import Tools

SIZES = ((320, 180), (320, 240), (384, 216), (288, 216))
FILE_BYTES = 40_000
FEWEST_FRAMES = 60
LATENTS = ("clearing", "hold", "calm", "exposure")
SHARED = 0.3
STEEPNESS = 4.6
STREAM = 60
"""Base of the seeds of random streams."""


def simulate(surgeons: int, seed: int) -> list[Trial]:
    """Draw two trials for each surgeon."""
    rng = np.random.default_rng((seed, STREAM))
    control = draw_control(rng, surgeons, shared=0.5)
    parts = np.sqrt(SHARED) * control + np.sqrt(1 - SHARED) * rng.normal(size=(len(LATENTS), 2 * surgeons))
    latents = np.vectorize(NormalDist().cdf)(parts)
    probability = success_probability(latents.sum(axis=0), STEEPNESS)
    sizes = [SIZES[index] for index in np.repeat(rng.integers(len(SIZES), size=surgeons), 2)]
    named = dict(zip(LATENTS, latents, strict=True))
    return draw_trials(rng, seed, named, probability, sizes, (FEWEST_FRAMES, LONGEST), (65, 93))


def draw(trial: Trial) -> Iterator[tuple[Image, list[Box]]]:
    """Yield each frame and the boxes of the tools in it."""
    look = Look.draw(trial.surgeon_rng(STREAM))
    camera = Camera(trial.rng(STREAM + 1), trial, look)
    field = Field(trial.rng(STREAM + 2), trial, look)
    tools = Tools(trial.rng(STREAM + 3), trial, look, field)
    for second in range(trial.frames):
        picture = field.paint(second)
        laid = tools.lay(picture, second)
        boxes = [box for label, points in laid for box in camera.box(label, points, second)]
        yield camera.take(picture, second), boxes
