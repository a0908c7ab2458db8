"""All runs of the workspace: the table, the curves of the chosen runs, and actions on them."""

from collections.abc import Sequence

import streamlit as st

from pages.components.charts import chart
from pages.components.run_table import choose_in_table, label, run_status, summaries, warn_of_damage
from pages.components.split_warnings import warn_of_splits
from pages.components.training.comparison import show_comparison
from pages.components.training.run_actions import pop_changed, show_actions
from pages.components.training.trash_view import show_trash
from pages.components.words import plain_text
from socal_core.dataset.targets import short_name
from socal_core.figures.compare import overlaid_auroc, overlaid_errors, overlaid_losses
from socal_core.runs.overview import RunSummary
from socal_core.settings import TrainConfig

REFRESH_SECONDS = 5.0
Shown = tuple[tuple[str, ...], bool]
"""The folder names of the runs that a page shows, and whether one of them is active."""


def show_all_runs(typed: TrainConfig | None) -> None:
    """Show all runs, and refresh them every few seconds while one of them is active.

    Args:
        typed: The settings in the sidebar; None if they are not valid.
    """
    shown = _shown(summaries())
    st.fragment(_show, run_every=REFRESH_SECONDS if shown[1] else None)(shown, typed)


def _show(before: Shown, typed: TrainConfig | None) -> None:
    found = summaries()
    if pop_changed() or _shown(found) != before:
        st.rerun()  # updates the other parts of the page, and stops the timer after the last active run
    if found:
        st.subheader("All runs")
        chosen = choose_in_table(found)
        if not chosen:
            st.caption(
                "Select runs with the boxes on the left to compare their curves, or to name, tag, stop, resume, "
                "duplicate or delete them."
            )
        show_actions(chosen, typed)
        _compare(chosen)
        warn_of_damage(found)
        warn_of_splits([item.run for item in found if item.config is not None])
    else:
        show_actions([], typed)  # the message of the last action
    show_trash()


def _compare(chosen: Sequence[RunSummary]) -> None:
    readable = {label(item): item.epochs for item in chosen if item.config is not None}
    if not readable:
        return
    targets = list({item.target.column: item.target for item in chosen if item.config is not None}.values())
    if len(targets) > 1:
        names = " and ".join(plain_text(short_name(target.label_with_unit)) for target in targets)
        st.info(f"These runs predict {names}, so their curves cannot be compared. Select runs of one of them.")
        return
    left, right = st.columns(2)
    with left:
        chart(overlaid_losses(readable, targets[0]), "compare-loss")
    with right:
        if targets[0].is_number:
            chart(overlaid_errors(readable, targets[0].unit), "compare-error")
        else:
            chart(overlaid_auroc(readable), "compare-auroc")
    if len(chosen) == 2 and targets[0].is_success:
        show_comparison(chosen[0].run, chosen[1].run)


def _shown(found: Sequence[RunSummary]) -> Shown:
    statuses = [run_status(item) for item in found]
    return tuple(item.run.name for item in found), any(status.state.alive for status in statuses if status)
