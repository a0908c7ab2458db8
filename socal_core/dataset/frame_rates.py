"""Names of frames that count the frames of the recording: 25, 50, 75, … for one frame per second of 25 per second.

This interpretation is used if the numbers of all trials rise by one common frame rate, or by multiples at gaps.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.dataset.frame_names import UNKNOWN_INDEX
from socal_core.dataset.problem_kinds import frame_kinds
from socal_core.dataset.problems import ProblemLog

_RATES = {24.0: 0, 25.0: 0, 30.0: 0, 50.0: 0, 60.0: 0, 24000 / 1001: 1, 30000 / 1001: 1, 60000 / 1001: 1}
"""Common frame rates per second, each with its tolerance in frames: those of NTSC are not whole numbers."""
_WHOLE_RATES = frozenset(map(round, _RATES))
_FEWEST_STEPS = 2


def with_rate(frames: pd.DataFrame, log: ProblemLog) -> pd.DataFrame:
    """Put the second into `index` where the numbers of all frames count the frames of their recording.

    Args:
        frames: Frames that are images, with trial_id, video (letter), index, and number (of the mapping).
        log: Receives the rate as evidence, and a problem for each trial whose numbers rise by another constant.

    Returns:
        The same frames; unchanged if the mapping has any of them.
    """
    mapped = frames.dropna(subset="number").sort_values(["trial_id", "number"])
    if len(mapped):
        steps = mapped.groupby("trial_id")["number"].diff().dropna().astype("int64")
        _report_steps(steps, mapped["number"], mapped["trial_id"], log)
        return frames
    named = frames[(frames["index"] != UNKNOWN_INDEX) & (frames["trial_id"] != "")]
    named = named.sort_values(["trial_id", "video", "index"])
    parts = named.groupby(["trial_id", "video"], sort=False)["index"]
    steps = parts.diff().dropna().astype("int64")
    steps = steps[steps > 0]
    values, counts = np.unique(steps, return_counts=True)
    if counts.sum() < _FEWEST_STEPS or values[-1] == 1:
        _report_steps(steps, named["index"], named["trial_id"], log)
        return frames
    first, index = parts.transform("min").to_numpy(), named["index"].to_numpy()
    usual = int(values[counts.argmax()])
    for rate, tolerance in _RATES.items():
        if round(rate) == usual and 2 * counts.max() >= counts.sum():
            seconds = np.round((index - first) / rate).astype(np.int64)
            if (np.abs(index - first - seconds * rate) <= tolerance).all():
                return _counted(frames, named, (first // rate).astype(np.int64) + seconds, rate, log)
    _report_steps(steps, named["index"], named["trial_id"], log)
    return frames


def _counted(
    frames: pd.DataFrame, named: pd.DataFrame, seconds: NDArray[np.int64], rate: float, log: ProblemLog
) -> pd.DataFrame:
    text = f"The numbers count the frames of a recording at {rate:.5g} frames per second; one per second is here."
    basis = f"The numbers of all {len(named):,} frames rise by {rate:.5g}, or by a multiple where frames are missing."
    log.add_evidence(log.images_dir, text, basis)
    index = frames["index"].copy()
    index[named.index] = seconds
    return frames.assign(index=index)


def _report_steps(steps: pd.Series, numbers: pd.Series, trials: pd.Series, log: ProblemLog) -> None:
    """Report the trials whose numbers rise by a constant other than 1."""
    steps = steps[steps > 0]
    for trial, own in steps.groupby(trials.loc[steps.index], sort=False):
        usual = int(own.mode().iloc[0])
        enough = len(own) >= _FEWEST_STEPS or (usual in _WHOLE_RATES and not (numbers[own.index] % usual).any())
        if enough and usual > 1 and not (own % usual).any():
            log.add(frame_kinds.NUMBERS_IN_STEPS, log.images_dir, trial_id=trial, step=usual)
