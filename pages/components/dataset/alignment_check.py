"""The check by eye that boxes are on the right frames."""

from datetime import datetime

import streamlit as st

from pages.components.images import show_frames
from socal_core.annotations.alignment import frames_to_check, read_answer, write_answer
from socal_core.dataset.dataset import Dataset


def check_alignment(dataset: Dataset) -> None:
    """Show the frames on which a shift of the boxes would be seen best, and ask whether they fit."""
    if dataset.boxes.empty:
        return
    st.subheader("Are the boxes on the right frames?")
    answer = read_answer(dataset)
    if answer is not None:
        day = datetime.fromtimestamp(answer.time).astimezone().strftime("%Y-%m-%d")
        if answer.fits:
            st.success(f"You confirmed on {day} that the boxes of these data fit.", icon=":material/check:")
        else:
            st.warning(
                f"On {day} you answered that the boxes do not fit. The *About* view shows how the files were "
                "interpreted.",
                icon=":material/warning:",
            )
    if not st.toggle("Check by eye", help="Eight frames in which tools have just moved: a shift shows most there."):
        return
    st.caption(
        "In these frames a tool has moved far since the second before. If the boxes were shifted by one frame, they "
        "would miss the tools here."
    )
    names = frames_to_check(dataset.boxes)
    show_frames(dataset, dataset.frames[dataset.frames["frame"].isin(names)])
    left, right = st.columns(2)
    if left.button("The boxes fit", icon=":material/check:", width="stretch"):
        _keep(dataset, fits=True)
    if right.button("They do not fit", icon=":material/close:", width="stretch"):
        _keep(dataset, fits=False)


def _keep(dataset: Dataset, fits: bool) -> None:
    try:
        write_answer(dataset, fits)
    except OSError as error:
        st.error(f"The answer cannot be kept: {error.strerror}.")
    else:
        st.rerun()
