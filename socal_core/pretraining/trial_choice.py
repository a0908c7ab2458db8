"""Choose the trials whose frames a model may see before it is fine-tuned and tested on other trials."""

from dataclasses import dataclass, field

import pandas as pd

from socal_core.clips.plan import ClipPlan
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.settings import SplitMethod, SplitSettings, TrainConfig
from socal_core.splits import split_dataset

HOW_TO_INCLUDE = "To use the trials of all surgeons, give --include-test."


@dataclass(frozen=True)
class TrialChoice:
    """The trials of a data set that are used for pre-training."""

    trials: tuple[str, ...]
    """Sorted; outcomes do not matter, so a trial needs none."""
    excluded_surgeons: tuple[str, ...] = ()
    """Surgeons who are in the test subset, or may belong to it."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Why other trials are not used, by trial id."""


def choose_trials(dataset: Dataset, config: TrainConfig, include_test: bool) -> TrialChoice:
    """Choose the trials for pre-training.

    Args:
        dataset: The data set.
        config: The settings of pre-training, which determine the test subset and the window.
        include_test: Whether to use the trials of all surgeons.

    Raises:
        DataError: The trials cannot be split, or none of them can be used.
    """
    filmed = dataset.trials[dataset.trials["n_frames"] > 0]
    excluded = pd.Series(False, filmed.index) if include_test else _may_be_tested(dataset, filmed, config.split)
    surgeons = filmed["participant_id"]
    left_out = {
        str(trial): f"{trial}: its surgeon is unknown and may be in the test subset."
        for trial in filmed.index[excluded & (surgeons == "")]
    }
    allowed = sorted(map(str, filmed.index[~excluded]))
    if not allowed:
        raise DataError(
            f"None of the {len(filmed)} trials with frames is of a surgeon outside the test subset. Choose another "
            f"split_method or a smaller test_fraction. {HOW_TO_INCLUDE}"
        )
    left_out |= _too_short(dataset, config, allowed)
    trials = tuple(trial for trial in allowed if trial not in left_out)
    if not trials:
        raise DataError(
            f"None of the {len(allowed)} trials for pre-training has the {config.clip.num_frames} frames of a clip "
            f"(num_frames) in the window ({config.clip.observation.describe()}). Set a smaller num_frames or a longer "
            "window."
        )
    return TrialChoice(trials, tuple(sorted(set(surgeons[excluded]) - {""})), left_out)


def _may_be_tested(dataset: Dataset, trials: pd.DataFrame, settings: SplitSettings) -> "pd.Series[bool]":
    """Tell for each trial whether its surgeon is in the test subset, or may belong to it."""
    try:
        split = split_dataset(dataset, settings)
    except DataError as error:
        raise DataError(
            f"Pre-training leaves out the surgeons of the test subset, but there is no split: {error} {HOW_TO_INCLUDE}"
        ) from None
    surgeons = trials["participant_id"]
    tested = surgeons.isin(set(surgeons[list(split.test)])) | (surgeons == "")
    if settings.split_method is SplitMethod.COLUMN:
        # Trials without an outcome are in no subset, but may belong to the tested cohort too.
        values = trials[settings.split_column]
        of_cohort = values.isna() | (values == settings.split_value.strip())
        tested |= surgeons.isin(set(surgeons[of_cohort]))
    return tested


def _too_short(dataset: Dataset, config: TrainConfig, trials: list[str]) -> dict[str, str]:
    """Return why trials have too few frames for a clip, by trial id."""
    plan, needed = ClipPlan(dataset, config.clip, config.split.seed), config.clip.num_frames
    reasons = {}
    for trial in trials:
        try:
            frames = len(plan.visible(trial).indices)
        except DataError as error:
            reasons[trial] = str(error)
        else:
            if frames < needed:
                reasons[trial] = f"{trial}: the window has {frames} frames, fewer than the {needed} of a clip."
    return reasons
