"""The folds of a cross-validation in the live view: its progress, a table of the folds, and the choice of one."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components.downloads import download_csv
from socal_core.dataset.targets import Target, amount
from socal_core.lifecycle.cross_validation import is_finished
from socal_core.lifecycle.state import read_status
from socal_core.runs.cross_validation import Fold, folds_of
from socal_core.runs.files.metrics_file import AnyMetrics, score_of
from socal_core.runs.folder import RunFolder
from socal_core.runs.progress import RunProgress

NEWEST = "the newest fold"


def fold_at_work(run: RunFolder) -> RunFolder | None:
    """Return the run of the first fold that is not finished, else of the last fold; None for an ordinary run.

    Raises:
        RunError: A file of the cross-validation is damaged.
    """
    folds = folds_of(run)
    return next((fold.run for fold in folds if not is_finished(fold)), folds[-1].run) if folds else None


def progress_of_folds(run: RunFolder, fold: RunFolder, of_fold: RunProgress) -> RunProgress:
    """Return the progress of a cross-validation from that of the fold at work."""
    folds = folds_of(run)
    number = next(number for number, found in enumerate(folds, start=1) if found.run == fold)
    text = f"Fold {number} of {len(folds)}: {of_fold.text}"
    return replace(of_fold, text=text, fraction=(number - 1 + of_fold.fraction) / len(folds))


def choose_fold(run: RunFolder, at_work: RunFolder) -> RunFolder:
    """Show a table of the folds and the choice of the one whose curves are shown; return the chosen one.

    Args:
        run: The cross-validation.
        at_work: The run of the fold at work, which is chosen by default.
    """
    folds = folds_of(run)
    with st.expander(f"Folds ({len(folds)})", icon=":material/view_week:", expanded=True):
        table = pd.DataFrame([_row(fold) for fold in folds])
        st.dataframe(table, hide_index=True, key="folds", placeholder="–")
        download_csv("CSV", lambda: table, f"{run.name}-folds.csv", data=None, type="tertiary", key="csv-folds")
    names = {fold.run.name: fold.run for fold in folds if fold.run.events_file.is_file()}
    chosen = st.selectbox("Curves of", [NEWEST, *names], key=f"fold-of-{run.name}")
    return names.get(chosen, at_work)


def _row(fold: Fold) -> dict[str, str | None]:
    metrics = fold.run.read_metrics()
    return {
        "Fold": fold.run.name,
        "State": read_status(fold.run).state.value if fold.run.status_file.is_file() else None,
        **_scores(metrics, fold.run.read_target()),
        "Test trials": None if metrics is None else str(metrics["n"]),
    }


def _scores(metrics: AnyMetrics | None, target: Target) -> dict[str, str | None]:
    """Return the test scores of a fold, by the title of their column."""
    if target.is_number:
        error = score_of(metrics, "rmse")
        return {"Test RMSE": None if error is None else amount(error, target.unit)}
    found = {title: score_of(metrics, name) for title, name in (("Test AUROC", "auroc"), ("Test accuracy", "accuracy"))}
    return {title: None if value is None else f"{value:.2f}" for title, value in found.items()}
