"""The split of a data set in numbers, before the start of a run."""

import pandas as pd
import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target, amount, in_sentence, short_name
from socal_core.errors import SocalError
from socal_core.settings import SplitMethod, TrainConfig
from socal_core.splits import (
    describe,
    left_out,
    split_dataset,
    split_warning,
    surgeons_in_common,
)

SUBSETS = {
    "train": ("Training", "The model learns from these trials."),
    "validation": ("Validation", "They determine the best epoch and the threshold."),
    "test": ("Test", "They are not used until training has ended. They give the final score."),
}

OTHER_PURPOSES = {"validation": "They determine the best epoch."}
"""Only success is predicted with a threshold."""
LISTED, SHORT = 6, 20
"""The number of classes whose trials are counted one by one, and the characters of their names."""

METHODS = {
    SplitMethod.SURGEON: "The split is by surgeon",
    SplitMethod.SOCAL20: "The test subset is the published one, and the rest is split by surgeon",
    SplitMethod.COLUMN: "The test subset is the chosen group, and the rest is split by surgeon",
    SplitMethod.KFOLD: "The folds are by surgeon",
    SplitMethod.RANDOM: "The split is by trial",
}
REASONS = {
    SplitMethod.SOCAL20: "the other trials of the ten published surgeons",
    SplitMethod.COLUMN: "the chosen column has no value for them, so they may belong to the test subset",
}


def show_split(dataset: Dataset, config: TrainConfig) -> bool:
    """Show the split of a run with these settings, and return False if the data does not allow it."""
    trials = dataset.usable_trials
    _show_unknown(dataset)
    try:
        split = split_dataset(dataset, config.split)
    except SocalError as error:
        st.error(plain_text(error))
        return False
    subsets = describe(split, trials, dataset.target)
    purposes = {} if dataset.target.is_success else OTHER_PURPOSES
    for column, (subset, row) in zip(st.columns(len(SUBSETS)), subsets.iterrows(), strict=True):
        name, purpose = SUBSETS[str(subset)]
        with column.container(border=True, height="stretch"):
            st.markdown(
                f"**{name}**  \n{_count(row['trials'], 'trial')} of {_count(row['surgeons'], 'surgeon')}"
                f"{_outcomes(row, dataset.target)}  \n:small[:gray[{purposes.get(str(subset), purpose)}]]"
            )
    others = left_out(split, trials)
    st.caption(
        f"{METHODS[split.method]}: **{surgeons_in_common(split, trials)}** surgeons have trials in more than one "
        "subset." + (f" {_count(len(others), 'trial')} left out: {REASONS[split.method]}." if others else "")
    )
    warning = split_warning(split, trials)
    if warning:
        st.warning(warning)
    return True


def _show_unknown(dataset: Dataset) -> None:
    """Show how many trials are left out because another target than success is unknown."""
    target, shown = dataset.target, dataset.trials[dataset.trials["n_frames"] > 0]
    unknown = int((shown["unusable_because"] == f"{target.column} unknown").sum())
    if unknown and not target.is_success:
        has, is_ = ("has", "is") if unknown == 1 else ("have", "are")
        name = plain_text(in_sentence(target.column, target.label))
        st.caption(f":material/info: {unknown} of {_count(len(shown), 'trial')} {has} no {name} and {is_} left out.")


def _outcomes(row: pd.Series, target: Target) -> str:
    """Describe a subset from its row of `describe`: the share of successes, or below it the classes or the range."""
    if target.is_success:
        return f", {row['success_rate']:.0%} successes"
    return f"  \n{plain_text(_range(row, target.unit) if target.is_number else _counts(row['classes']))}"


def _range(row: pd.Series, unit: str) -> str:
    return f"median {amount(row['median'], unit)} ({amount(row['lowest'])} to {amount(row['highest'], unit)})"


def _counts(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{count} {short_name(name, SHORT)}" for name, count in list(counts.items())[:LISTED])
    others = list(counts.values())[LISTED:]
    return f"{listed} and {sum(others)} of {len(others)} other classes" if others else listed


def _count(number: float, noun: str) -> str:
    return f"{number:.0f} {noun}" + ("" if number == 1 else "s")
