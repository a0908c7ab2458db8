"""The trials of a demo before it is written: outcomes and lengths, which are simulated before a frame is rendered."""

import pandas as pd

from socal_core.demo.simulate import simulate_trials
from socal_core.demo.tables import Faults


def simulated_trials(surgeons: int, seed: int = 0) -> pd.DataFrame:
    """Return the usable trials of the demo that `write_demo` writes with the same arguments.

    Args:
        surgeons: Number of surgeons.
        seed: Seed of all random numbers.

    Returns:
        One row per trial, by trial_id: `participant_id`, `success` (0 or 1) and `n_frames`, as in
        `Dataset.usable_trials`.
    """
    trials = simulate_trials(surgeons, seed)
    unknown = Faults.of(trials).trial_without_outcome
    rows = [
        (trial.trial_id, trial.participant_id, int(trial.success), trial.frames)
        for trial in trials
        if trial.trial_id != unknown
    ]
    return pd.DataFrame(rows, columns=["trial_id", "participant_id", "success", "n_frames"]).set_index("trial_id")
