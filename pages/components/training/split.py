"""The split of a data set in numbers, before the start of a run."""

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.settings import SplitMethod, TrainConfig
from socal_core.splits import describe, left_out, split_dataset, split_warning, surgeons_in_common

SUBSETS = {
    "train": ("Training", "The model learns from these trials."),
    "validation": ("Validation", "They determine the best epoch and the threshold."),
    "test": ("Test", "They are not used until training has ended. They give the final score."),
}

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
    try:
        split = split_dataset(dataset, config.split)
    except SocalError as error:
        st.error(plain_text(error))
        return False
    subsets = describe(split, trials).to_dict(orient="index")
    for column, (subset, (name, purpose)) in zip(st.columns(len(SUBSETS)), SUBSETS.items(), strict=True):
        row = subsets[subset]
        with column.container(border=True, height="stretch"):
            st.markdown(
                f"**{name}**  \n{_count(row['trials'], 'trial')} of {_count(row['surgeons'], 'surgeon')}, "
                f"{row['success_rate']:.0%} successes  \n:small[:gray[{purpose}]]"
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


def _count(number: float, noun: str) -> str:
    return f"{number:.0f} {noun}" + ("" if number == 1 else "s")
