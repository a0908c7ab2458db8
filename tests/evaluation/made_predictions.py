"""Tables of predictions, from the few columns that a test is about."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def make_predictions(
    labels: Sequence[int],
    probabilities: Sequence[float],
    surgeons: Sequence[str] | None = None,
    split: str = "test",
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Predictions of S0T1, S0T2, S1T1, …, which are two trials per surgeon unless the surgeons are given."""
    n = len(labels)
    return pd.DataFrame(
        {
            "trial_id": [f"S{number // 2}T{number % 2 + 1}" for number in range(n)],
            "participant_id": list(surgeons) if surgeons is not None else [str(number // 2) for number in range(n)],
            "split": split,
            "label": np.asarray(labels, dtype=int),
            "prob_success": np.asarray(probabilities, dtype=float),
            "predicted": (np.asarray(probabilities) >= threshold).astype(int),
        }
    )


def draw_predictions(seed: int, n: int = 40, skill: float = 0.4, noise_seed: int | None = None) -> pd.DataFrame:
    """Predictions of n test trials, whose probabilities follow the outcomes as far as `skill`, 0 to 1."""
    labels = np.random.default_rng(seed).permutation([0] * (n // 3) + [1] * (n - n // 3))
    noise = np.random.default_rng(seed + 1000 if noise_seed is None else noise_seed).random(n)
    return make_predictions(labels.tolist(), (skill * labels + (1 - skill) * noise).tolist())
