"""The check by eye that the boxes of each annotation file are on the right frames."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from pages.components.access import guarded, may, why_not
from pages.components.images import show_frames
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.annotations.alignment import (
    Answer,
    annotation_files,
    boxes_of,
    frames_to_check,
    read_answers,
    write_answer,
)
from socal_core.dataset.dataset import Dataset

MOST_NAMED = 5
"""The number of unchecked files to name."""


def check_alignment(dataset: Dataset) -> None:
    """Show the frames on which a shift of the boxes of a file would be seen best, and ask whether they fit."""
    if dataset.boxes.empty:
        return
    st.subheader("Are the boxes on the right frames?")
    files, answers = annotation_files(dataset), read_answers(dataset)
    _summarise(files, answers)
    help_text = "Eight frames in which tools have just moved: a shift shows most there."
    if not st.toggle("Check by eye", help=help_text, key="check-by-eye"):
        return
    file = _pick(files, answers)
    st.caption(
        "In these frames a tool has moved far since the second before. If the boxes were shifted by one frame, they "
        "would miss the tools here."
    )
    names = frames_to_check(boxes_of(dataset, file))
    show_frames(dataset, dataset.frames[dataset.frames["frame"].isin(names)])
    left, right = st.columns(2)
    off, why = not may(Action.JUDGE_BOXES), why_not(Action.JUDGE_BOXES)
    # An answer by another tab may change which file is chosen.
    for place, text, icon, fits in ((left, "Looks right", "check", True), (right, "Is shifted", "close", False)):
        answer = partial(write_answer, dataset, file, fits)
        keep = guarded(Action.JUDGE_BOXES, answer, what=f"{dataset.root.name}: {file}")
        place.button(text, icon=f":material/{icon}:", width="stretch", disabled=off, help=why, on_click=keep)


def _summarise(files: Sequence[str], answers: Mapping[str, Answer]) -> None:
    """State which files look right, are shifted, or are still unchecked."""
    right = [file for file in files if file in answers and answers[file].fits]
    shifted = [file for file in files if file in answers and not answers[file].fits]
    unchecked = [file for file in files if file not in answers]
    if right:
        days = sorted({_day(answers[file]) for file in right})
        when = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
        st.success(f"Looks right, as you answered {when}: {_names(right)}.", icon=":material/check:")
    if shifted:
        st.warning(
            f"Is shifted, as you answered: {_names(shifted)}. The *About* view shows how it was interpreted.",
            icon=":material/warning:",
        )
    if unchecked:
        count = f" ({len(unchecked):,} of {len(files):,} annotation files)" if len(files) > 1 else ""
        st.info(f"Not checked yet{count}: {_names(unchecked)}.", icon=":material/visibility:")


def _pick(files: Sequence[str], answers: Mapping[str, Answer]) -> str:
    """Show a drop-down of files if there are several, and return the chosen one.

    The labels hold the answers, so after an answer the drop-down starts again at the first unchecked file.
    """
    if len(files) == 1:
        return files[0]
    first = next((number for number, file in enumerate(files) if file not in answers), 0)
    return str(st.selectbox("Annotation file", files, index=first, format_func=lambda file: _title(file, answers)))


def _title(file: str, answers: Mapping[str, Answer]) -> str:
    if file not in answers:
        return f"{file} (not checked)"
    return f"{file} ({'looks right' if answers[file].fits else 'is shifted'})"


def _names(files: Sequence[str]) -> str:
    more = f" and {len(files) - MOST_NAMED:,} more" if files[MOST_NAMED:] else ""
    return ", ".join(f"**{plain_text(file)}**" for file in files[:MOST_NAMED]) + more


def _day(answer: Answer) -> str:
    return datetime.fromtimestamp(answer.time).astimezone().strftime("%Y-%m-%d")
