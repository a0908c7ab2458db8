"""What is shown of a demo before it is written: outcomes and lengths of its trials, and some frames of one of them."""

import numpy as np
import pandas as pd

from socal_core.demo.scene import Scene
from socal_core.demo.simulate import simulate_trials
from socal_core.demo.tables import Faults
from socal_core.demo.write import encode_jpeg


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


def simulated_frames(surgeons: int, count: int, seed: int = 0) -> tuple[str, dict[int, bytes]]:
    """Render frames of the first trial of the demo that `write_demo` writes with the same arguments.

    Args:
        surgeons: Number of surgeons.
        count: Number of frames, evenly spaced over the trial.
        seed: Seed of all random numbers.

    Returns:
        The id of the trial, and the frames as JPEG by their second.
    """
    trial = simulate_trials(surgeons, seed)[0]
    scene = Scene(trial)
    seconds = np.linspace(0, trial.frames - 1, count).round().astype(int).tolist()
    return trial.trial_id, {second: encode_jpeg(scene.render(second)[0]) for second in seconds}
