"""The views of the Dataset page. Only the open view is computed."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.components.charts import chart
from pages.components.downloads import before_downloads, download_csv, ids_in
from pages.components.images import contact_sheet
from pages.components.target_labels import target_labels
from pages.components.words import plain_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.target_choice import with_target
from socal_core.errors import ConfigError
from socal_core.figures.boxes import box_density, boxes_per_frame
from socal_core.figures.dataset import (
    boxes_by_label,
    class_balance,
    class_balance_by,
    frames_by_outcome,
    frames_per_trial,
    missing_values,
)
from socal_core.figures.groups import GROUPS
from socal_core.figures.presence import Order, presence_by_outcome, tool_presence
from socal_core.figures.style import OUTCOMES
from socal_core.figures.targets import distribution
from socal_core.presets import Preset
from socal_core.presets.preset import SUCCESS

ANY_LABEL = "Any tool"
ORDERS: dict[Order, str] = {"outcome": "Outcome", "length": "Length", "surgeon": "Surgeon"}
REVEALING_AUROC = 0.7
"""From this AUROC on, the page states that the length of a trial reveals its outcome."""


def overview(dataset: Dataset) -> None:
    """Show outcomes, lengths and boxes."""
    usable = dataset.usable_trials
    outcome = _pick_outcome(dataset)
    left, middle, right = st.columns(3)
    with left:
        if outcome == SUCCESS:
            chart(class_balance(usable), "class-balance")
        else:
            _show_distribution(dataset, outcome)
    with middle:
        chart(frames_by_outcome(usable), "frames-by-outcome")
    with right:
        chart(boxes_by_label(dataset.boxes), "boxes-by-label")
    _show_length(usable, dataset.preset)


def _pick_outcome(dataset: Dataset) -> str:
    """Show a drop-down of the outcomes if there are several, and return the chosen column."""
    labels, key = target_labels(dataset), "outcome-shown"
    if st.session_state.get(key) not in labels:  # that of another folder
        st.session_state[key] = SUCCESS
    if len(labels) == 1:
        return SUCCESS
    return str(
        st.selectbox(
            "Show the distribution of",
            list(labels),
            format_func=lambda name: labels[name],
            key=key,
            width=300,
            persist_state="session",
        )
    )


def _show_distribution(dataset: Dataset, column: str) -> None:
    """Show the distribution of another outcome than success over the trials with frames."""
    try:
        chosen = with_target(dataset, column)
    except ConfigError as error:
        st.info(plain_text(error))
    else:
        chart(distribution(chosen.target_values, chosen.target), "distribution")


def groups(dataset: Dataset) -> None:
    """Show the outcomes of groups and the length of each trial."""
    usable = dataset.usable_trials
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        group = st.segmented_control(
            "Outcomes by", list(GROUPS), format_func=GROUPS.__getitem__, default="cohort", required=True, key="group"
        )
        chart(class_balance_by(usable, group or "cohort"), "class-balance-by")
    with right:
        chart(frames_per_trial(dataset.trials), "frames-per-trial")


def _show_length(usable: pd.DataFrame, preset: Preset) -> None:
    # scikit-learn takes a while to load. Importing it here shows the figures above first.
    from socal_core.evaluation.metrics import length_auroc

    auroc = length_auroc(usable)
    if auroc is None:
        return
    scale = f"the number of frames alone has an AUROC of {auroc:.2f} (0.5 is chance, 1 is perfect)"
    if auroc < REVEALING_AUROC:
        st.info(f"Here, the length of a trial reveals little about its outcome: {scale}.", icon=":material/timer:")
    else:
        st.info(
            f"**The length of a trial reveals its outcome.** {preset.ending} Here, {scale}. A model that "
            "sees the whole trial can use this. A model that sees only the first 60 s cannot.",
            icon=":material/timer:",
        )


def boxes(dataset: Dataset) -> None:
    """Show how many boxes frames have, and where in the frame they are."""
    left, right = st.columns(2)
    with left:
        chart(boxes_per_frame(dataset.frames, dataset.boxes), "boxes-per-frame")
    with right:
        label = _pick_label(dataset, "density-label")
        chart(box_density(dataset.boxes, dataset.frames, dataset.trials, label), "box-density")


def tools(dataset: Dataset) -> None:
    """Show when each tool is in view."""
    left, right = st.columns(2)
    with left:
        label = _pick_label(dataset, "presence-label")
    with right:
        order = st.segmented_control(
            "Trials sorted by",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            default="outcome",
            required=True,
            key="order",
        )
    chart(tool_presence(dataset.frames, dataset.boxes, dataset.trials, label, order), "tool-presence")
    chart(presence_by_outcome(dataset.frames, dataset.boxes, dataset.trials), "presence-by-outcome")


def coaching(dataset: Dataset) -> None:
    """Show what changed between the two trials of each surgeon."""
    # Only this view needs SciPy, which takes a while to load.
    from socal_core.figures.coaching import coaching_change, coaching_success

    left, _ = st.columns(2)
    with left:
        chart(coaching_success(dataset.trials), "coaching-success")
    for column, measure in zip(st.columns(2), ("tth", "blood_loss"), strict=True):
        with column:
            chart(coaching_change(dataset.trials, measure), f"coaching-{measure}")
    st.caption("All surgeons with both trials are included, even without video. There was no control group.")


def missing(dataset: Dataset) -> None:
    """Show which values are missing."""
    chart(missing_values(dataset.trials), "missing-values")


def frames(dataset: Dataset) -> None:
    """Show random frames with their boxes."""
    if st.button("Show other frames", icon=":material/shuffle:"):
        st.session_state["sample_seed"] = st.session_state.get("sample_seed", 0) + 1
    contact_sheet(dataset, st.session_state.get("sample_seed", 0))


def trials(dataset: Dataset) -> None:
    """Show the table of trials."""
    preset = dataset.preset
    listed = [measure for measure in preset.measures if measure.listed]
    order = "1 before coaching, 2 after" if preset.coached else None
    columns = [
        "participant_id",
        "trial_number",
        "success",
        "n_frames",
        *(measure.name for measure in listed),
        "training_status",
        "cohort",
    ]
    table = dataset.trials[[*columns, "unusable_because"]].reset_index()
    table["success"] = table["success"].map(OUTCOMES)
    st.dataframe(
        table.dropna(axis="columns", how="all"),  # some folders lack the file about surgeons
        hide_index=True,
        placeholder="–",
        height=420,
        key="trials-table",  # updates the table in place when other trials are chosen
        column_config={
            "trial_id": "Trial",
            "participant_id": "Surgeon",
            "trial_number": st.column_config.NumberColumn("Trial number", help=order),
            "success": st.column_config.TextColumn("Outcome", help=f"Success: {preset.success}"),
            "n_frames": "Frames",
            **{measure.name: measure.label_with_unit for measure in listed},
            "training_status": "Training status",
            "cohort": "Cohort",
            "unusable_because": st.column_config.TextColumn("Not used because", width="large"),
        },
    )
    data = before_downloads(ids_in(dataset), dataset.fingerprint, "trials")
    download_csv("CSV", lambda: table, "trials.csv", data=data, type="tertiary", key="csv-trials")


VIEWS: dict[str, Callable[[Dataset], None]] = {
    "Overview": overview,
    "Groups": groups,
    "Boxes": boxes,
    "Tools": tools,
    "Coaching": coaching,
    "Frames": frames,
    "Trials": trials,
    "Missing": missing,
}


def views_of(dataset: Dataset) -> dict[str, Callable[[Dataset], None]]:
    """Return the views of a data set; *Coaching* only if its surgeons were coached."""
    return {name: view for name, view in VIEWS.items() if view is not coaching or dataset.preset.coached}


def _pick_label(dataset: Dataset, key: str) -> str | None:
    """Show a drop-down of labels, and return the chosen label, or None for any label."""
    counts: pd.Series = dataset.boxes["label"].value_counts()
    label = st.selectbox("Tool", [ANY_LABEL, *counts.index], key=key)
    return None if label == ANY_LABEL else str(label)
