"""A synthetic trial before it is drawn, and how its outcome is drawn from the latent variables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SUCCESS_SHARE = 0.6


@dataclass(frozen=True)
class Box:
    """A tool in a frame: its label and its corners in pixels; x2 and y2 are the first beyond."""

    label: str
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial: its size, its outcome, and the latent variables that the frames show."""

    seed: int
    surgeon: int
    number: int
    frames: int
    width: int
    height: int
    quality: int
    """JPEG quality."""
    latents: dict[str, float]
    probability: float
    """Probability of success given the latents: the score of the best possible model."""
    success: bool

    @property
    def trial_id(self) -> str:
        """Identifier as in SOCAL."""
        return f"S{101 + self.surgeon}T{self.number}"

    def surgeon_rng(self, stream: int) -> np.random.Generator:
        """Return random numbers that both trials of the surgeon share."""
        return np.random.default_rng((self.seed, stream, self.surgeon))

    def rng(self, stream: int) -> np.random.Generator:
        """Return random numbers of this trial alone."""
        return np.random.default_rng((self.seed, stream, self.surgeon, self.number))


def draw_trials(
    rng: np.random.Generator,
    seed: int,
    latents: Mapping[str, FloatArray],
    probability: FloatArray,
    sizes: Sequence[tuple[int, int]],
    frames: tuple[int, int],
    quality: tuple[int, int],
) -> list[Trial]:
    """Draw length, JPEG quality and outcome of each trial, two trials per surgeon in a row.

    Args:
        rng: Source of randomness.
        seed: Seed of the set.
        latents: What the frames show, by name, each (trials,).
        probability: Probability of success of each trial, (trials,).
        sizes: Width and height of each trial, (trials,).
        frames: Fewest and most frames of a trial.
        quality: Lowest and highest JPEG quality.
    """
    return [
        Trial(
            seed=seed,
            surgeon=index // 2,
            number=index % 2 + 1,
            frames=int(rng.integers(*frames, endpoint=True)),
            width=sizes[index][0],
            height=sizes[index][1],
            quality=int(rng.integers(*quality, endpoint=True)),
            latents={name: float(values[index]) for name, values in latents.items()},
            probability=float(probability[index]),
            success=bool(rng.uniform() < probability[index]),
        )
        for index in range(len(probability))
    ]


def draw_control(rng: np.random.Generator, surgeons: int, shared: float) -> FloatArray:
    """Draw how well each trial goes: standard normal, shape (2 * surgeons,), both trials of a surgeon in a row.

    Args:
        rng: Source of randomness.
        surgeons: Number of surgeons, two trials each.
        shared: Share of the variance that the two trials of a surgeon have in common.
    """
    skill = np.repeat(rng.normal(size=surgeons), 2)
    return np.sqrt(shared) * skill + np.sqrt(1 - shared) * rng.normal(size=2 * surgeons)


def success_probability(score: FloatArray, steepness: float) -> FloatArray:
    """Map scores to probabilities of success through a logistic curve whose mean is SUCCESS_SHARE."""

    def curve(offset: float) -> FloatArray:
        return 1 / (1 + np.exp(-steepness * (score - offset)))

    return curve(_solve(lambda offset: float(curve(offset).mean()) - SUCCESS_SHARE))


def _solve(falling: Callable[[float], float]) -> float:
    """Find the zero of a falling function by bisection."""
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low
