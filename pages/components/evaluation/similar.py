"""The analysis of which trials look alike: a map of all trials, and the trials nearest to one of them."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.access import may, why_not
from pages.components.actions import act_on
from pages.components.charts import selectable_chart
from pages.components.downloads import announce, ids_of, table_with_csv
from pages.components.job_progress import show_log, start_job, watch
from pages.components.sidebar.data_picker import open_chosen
from pages.components.trial_viewer.picker import view_trials
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.dataset import Dataset
from socal_core.evaluation.run_results import RunResults
from socal_core.evaluation.similar_trials import (
    NEIGHBOURS,
    closest_pairs,
    disagreeing,
    similar_trials,
    trial_map,
)
from socal_core.evaluation.trial_features import TrialFeatures, cached_features
from socal_core.figures.style import OUTCOMES, labelled
from socal_core.figures.trial_map import COLOURINGS, SUBSETS, trial_map_figure
from socal_core.jobs.job import Job, JobState, JobStatus
from socal_core.runs.identity import KnownRun
from socal_core.settings import IMAGE_ENCODER

EMBEDDING = Job("embed-trials", "socal_core.jobs.embed_trials", "The computation of features")
CHART, CHOSEN = "trial-map", "similar-to"
MOST_PAIRS = 5
"""The number of pairs and of suspicious trials to name."""
MAP = (
    "Each point is a trial. Trials are near to each other if the {encoder} sees similar frames in them. The two axes "
    "are the principal components (PCA) of the mean features of each trial; together they show {explained:.0%} of the "
    "variance, so trials that are near here may still differ. Click a point to see the trials nearest to it."
)
ABOUT = (
    "Distances are cosine distances between all features, not distances in the figure: 0 means the same, 1 unrelated, "
    "2 opposite. Neighbours that ended otherwise are a reason to check the outcome of a trial, not proof of a mistake."
)


def show_similar(results: RunResults) -> None:
    """Show the map of the trials of a run and the trials nearest to one of them, or offer to compute the features."""
    dataset = results.run.open_dataset()
    trials = list(results.predictions["trial_id"])
    features = cached_features(dataset, results.run.read_config(), trials)
    missing = len(trials) - len(features.values)
    if missing:
        _offer(results, missing, len(trials))
    if len(features.values) < 2:
        return
    _map(results, dataset, features)
    with st.container(border=True):
        _neighbours(results, features)
    _suspicious(results, features)


def _offer(results: RunResults, missing: int, of: int) -> None:
    """Show the progress of the computation of features, or the button that starts it."""
    if EMBEDDING.running:
        watch(EMBEDDING, _progress_text)
        st.caption("You can leave this page or close the browser. The computation continues.")
        return
    request = {"run": str(results.run.path.resolve())}
    status = EMBEDDING.status() if EMBEDDING.request() == request else JobStatus(JobState.IDLE)
    if status.state is JobState.DONE:
        notes = " ".join(plain_text(note) for note in status.result["notes"])
        st.caption(f"{missing} of {of} trials have no features, because their frames cannot be read. {notes}")
        return
    st.info(
        f"The features of {'all' if missing == of else missing} of {of} trials have not been computed yet. It takes "
        "about a second per trial on a CPU, and reads 16 frames of each trial with the default settings."
    )
    if status.error:
        st.error(plain_text(status.error))
        show_log(EMBEDDING.log_tail())
    off, why = not may(Action.COMPUTE), why_not(Action.COMPUTE)
    st.button(
        "Compute features",
        icon=":material/scatter_plot:",
        disabled=off,
        help=why,
        on_click=act_on,
        # It does nothing if another tab has just started it.
        args=(KnownRun.of(results.run), lambda _: start_job(EMBEDDING, Action.COMPUTE, request)),
    )


def _progress_text(status: JobStatus) -> str:
    if not status.total:
        return "Loading the image encoder"
    return f"Computing features: {status.done:,} of {status.total:,}"


def _map(results: RunResults, dataset: Dataset, features: TrialFeatures) -> None:
    colouring = st.segmented_control(
        "Colour by", list(COLOURINGS), format_func=COLOURINGS.__getitem__, default="outcome", key="map-colour"
    )
    names = list(features.values.index)
    if st.session_state.get(CHOSEN) not in names:
        st.session_state[CHOSEN] = names[0]
    found = trial_map(features.values)
    figure = trial_map_figure(
        found, results.predictions, dataset.trials, colouring or "outcome", st.session_state[CHOSEN]
    )
    if colouring == "error":
        labelled(figure, results.metrics["task"])
    selectable_chart(figure, CHART, _choose_clicked(names))
    encoder = "image encoder" if features.encoder == IMAGE_ENCODER else "video encoder"
    st.caption(MAP.format(encoder=encoder, explained=sum(found.explained)))


def _choose_clicked(names: list[str]) -> Callable[[], None]:
    """Return what happens when a point is clicked: its trial is chosen."""

    def choose() -> None:
        event: Any = st.session_state.get(CHART) or {}
        for point in event.get("selection", {}).get("points", []):
            if (trial := str((point.get("customdata") or [""])[0])) in names:
                st.session_state[CHOSEN] = trial

    return choose


def _neighbours(results: RunResults, features: TrialFeatures) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    trial = str(left.selectbox("Trials similar to", list(features.values.index), key=CHOSEN))
    found = similar_trials(features.values, results.predictions, trial)
    outcome = OUTCOMES[int(results.predictions.set_index("trial_id")["label"][trial])]
    rows = [
        {
            "Trial": near.trial_id,
            "Distance": f"{near.distance:.3f}",
            "Outcome": OUTCOMES[near.outcome],
            "Surgeon": near.participant_id or "unknown",
            "Subset": SUBSETS[near.subset],
        }
        for near in found
    ]
    data = announce(ids_of(results.predictions), results.metrics.get("data_fingerprint"))
    table_with_csv(pd.DataFrame(rows).set_index("Trial"), "similar", data=data)
    same = sum(OUTCOMES[near.outcome] == outcome for near in found)
    st.caption(f"{plain_text(trial)} is a {outcome.lower()}, as are {same} of these {len(found)} trials. {ABOUT}")
    if right.button("View these trials", icon=":material/slideshow:", width="stretch"):
        _view([trial, *(near.trial_id for near in found)], results)


def _view(trials: list[str], results: RunResults) -> None:
    """Open the Trial viewer with these trials, the first of them chosen."""
    opened = open_chosen()
    if opened is None or opened.root.resolve() != results.run.read_data():
        st.warning("The Trial viewer shows the open data set, and this run is of another one. Open its data set first.")
        return
    view_trials(trials, results.run)


def _suspicious(results: RunResults, features: TrialFeatures) -> None:
    """Name the trials whose neighbours all ended otherwise, and the pairs of trials with nearly the same features."""
    outcomes = results.predictions.set_index("trial_id")["label"]
    table = disagreeing(features.values, outcomes)
    odd = table.index[(table["other"] == table["of"]) & (table["of"] >= min(NEIGHBOURS, len(table) - 1))]
    if len(odd):
        st.write(
            f"**All {table['of'].iloc[0]} nearest trials ended otherwise:** {_names(list(odd))}. Check their outcomes "
            "first if you suspect mistakes."
        )
    pairs = closest_pairs(features.values)
    if pairs:
        st.write(
            "**Nearly the same features:** "
            f"{_names([f'{first} and {second} ({distance:.3f})' for first, second, distance in pairs])}. Check whether "
            "they show the same footage."
        )


def _names(names: list[str]) -> str:
    more = f" and {len(names) - MOST_PAIRS} more" if len(names) > MOST_PAIRS else ""
    return ", ".join(plain_text(name) for name in names[:MOST_PAIRS]) + more
