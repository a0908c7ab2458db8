"""The split of a data set in numbers, before a run is started."""

import streamlit as st

from socal_core.dataset.splits import describe, surgeon_split, surgeons_in_common
from socal_core.dataset.types import Dataset
from socal_core.errors import SocalError
from socal_core.runs.config import TrainConfig

SIDES = {
    "train": ("Training", "The model learns from these trials."),
    "validation": ("Validation", "These choose the best epoch and the threshold."),
    "test": ("Test", "Kept back until training has ended: the final score."),
}


def show_split(dataset: Dataset, config: TrainConfig) -> bool:
    """Show what a run with these settings would train and test on; False when the data does not allow it."""
    trials = dataset.usable_trials
    try:
        split = surgeon_split(trials, config.validation_fraction, config.test_fraction, config.seed)
    except SocalError as error:
        st.error(str(error))
        return False
    sides = describe(split, trials)
    for column, (side, (name, purpose)) in zip(st.columns(len(SIDES)), SIDES.items(), strict=True):
        row = sides.loc[side]
        with column.container(border=True, height="stretch"):
            st.markdown(
                f"**{name}**  \n{_count(row['trials'], 'trial')} of {_count(row['surgeons'], 'surgeon')}, "
                f"{row['success_rate']:.0%} successes  \n:small[:gray[{purpose}]]"
            )
    st.caption(
        f"The split is by surgeon: **{surgeons_in_common(split, trials)}** surgeons have trials on more than one side."
    )
    one_sided = [SIDES[side][0].lower() for side in SIDES if sides.loc[side, "success_rate"] in {0, 1}]
    if one_sided:
        st.warning(
            f"All {' and '.join(one_sided)} trials end alike, so no AUROC can be computed there. "
            "Raise that side's fraction in the sidebar, or try another seed."
        )
    return True


def _count(number: float, noun: str) -> str:
    return f"{number:.0f} {noun}" + ("" if number == 1 else "s")
