"""A live view of one run: state, progress, curves, log, and buttons to stop and resume it."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from pages.components.access import guarded_on, may, why_not
from pages.components.actions import act_on, problem_waits
from pages.components.charts import chart
from pages.components.job_progress import show_log
from pages.components.runs import STATE_COLOURS, resume
from pages.components.split_warnings import warn_of_split
from pages.components.training.folds import choose_fold, fold_at_work, progress_of_folds
from pages.components.training.head_text import head_text
from pages.components.training.live_tiles import live_tiles
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.dataset.targets import Target
from socal_core.errors import RunError, SocalError
from socal_core.figures.frozen import inner_candidates, inner_fold_bars
from socal_core.figures.training import accuracy_curves, error_curve, learning_rates, loss_curves, thinning
from socal_core.lifecycle import launch
from socal_core.lifecycle.run_queue import position
from socal_core.lifecycle.state import RunState, RunStatus, read_status
from socal_core.runs.events import epochs_table, folds_table, head_of, notices, read_events, steps_table
from socal_core.runs.files.event_types import Event, HeadEvent
from socal_core.runs.folder import RunFolder
from socal_core.runs.follow import EventFollower
from socal_core.runs.identity import KnownRun
from socal_core.runs.log_tail import log_tail
from socal_core.runs.notes import label_of
from socal_core.runs.progress import MachineUse, RunProgress, machine_use, progress_of
from socal_core.settings import Recipe

REFRESH_SECONDS = 1.0


def show_run(run: RunFolder) -> None:
    """Show a run, and refresh it every second while it is active."""
    state = read_status(run).state
    warn_of_split(run)
    _show_origin(run)
    st.fragment(_show, run_every=REFRESH_SECONDS if state.alive else None)(run, state)


def _show_origin(run: RunFolder) -> None:
    """Show from which checkpoint the run started, if it started from one."""
    try:
        origin = run.read_origin()
    except RunError as error:
        st.caption(plain_text(error))
    else:
        if origin is not None:
            st.caption(f"Started from the checkpoint {plain_text(origin.checkpoint)} of run {plain_text(origin.run)}.")


@dataclass(frozen=True)
class _Seen:
    """What a page shows of the events of a run. All tabs share it."""

    events: list[Event]
    progress: RunProgress
    machine: MachineUse | None
    notices: list[str]
    charts: dict[str, go.Figure]
    by_epoch: tuple[int, float | None]
    """Number of epochs and learning rate. While these are unchanged, so are the charts of scores and rates."""
    head: HeadEvent | None
    """The event `head` of a run with frozen features, once the head is fitted."""
    target: Target
    """What the run predicts."""


class _Watched:
    """A run that is open in at least one tab."""

    def __init__(self, events_file: Path, frozen: bool) -> None:
        self._run = RunFolder(events_file.parent)
        self._follower = EventFollower(events_file)
        self._look = _seen_frozen if frozen else _seen
        self._seen: _Seen | None = None
        self._lock = threading.Lock()

    def look(self) -> _Seen:
        with self._lock:  # so that one tab computes the charts for all
            events = self._follower.events()
            if self._seen is None or self._seen.events is not events:
                self._seen = self._look(events, self._seen, self._run.read_target())
            return self._seen


def _seen(events: list[Event], before: _Seen | None, target: Target) -> _Seen:
    """Compute what to show. Figures without new data are reused."""
    progress, epochs = progress_of(events), epochs_table(events)
    every_step = [event for event in events if event["type"] == "step"]
    steps = steps_table(every_step[thinning(len(every_step))])
    by_epoch = (len(epochs), progress.learning_rate)
    charts = {"loss": loss_curves(epochs, steps, target)}
    if before is not None and by_epoch == before.by_epoch:
        charts |= {name: before.charts[name] for name in ("accuracy", "learning-rate")}
    else:
        scores = error_curve(epochs, target.unit) if target.is_number else accuracy_curves(epochs)
        charts |= {"accuracy": scores, "learning-rate": learning_rates(epochs, steps)}
    return _Seen(events, progress, machine_use(events), notices(events), charts, by_epoch, None, target)


def _seen_frozen(events: list[Event], before: _Seen | None, target: Target) -> _Seen:
    """Compute what to show of a run with frozen features, which has inner folds and candidates instead of epochs."""
    folds, head = folds_table(events), head_of(events)
    by_epoch = (len(folds), None if head is None else head["loss"])
    if before is not None and by_epoch == before.by_epoch:
        charts = before.charts
    else:
        chance = None if head is None else head.get("chance")
        charts = {
            "folds": inner_fold_bars(folds, target),
            "candidates": inner_candidates([] if head is None else head["table"], target, chance),
        }
    return _Seen(events, progress_of(events), machine_use(events), notices(events), charts, by_epoch, head, target)


@st.cache_resource(max_entries=8, show_spinner=False)
def _watched(events_file: str, frozen: bool) -> _Watched:
    return _Watched(Path(events_file), frozen)


def _is_frozen(run: RunFolder) -> bool:
    try:
        return run.read_config().model.recipe is Recipe.FROZEN
    except SocalError:
        return False  # the table of runs reports the error


def _show(run: RunFolder, shown_state: RunState) -> None:
    status = read_status(run)
    if status.state is not shown_state or problem_waits():
        st.rerun()  # updates the state on the rest of the page, and stops the timer of a run that has ended
    try:
        _show_all(run, status)
    except SocalError as error:  # when a fragment is refreshed, the page does not catch its errors
        st.error(plain_text(error))


def _show_all(run: RunFolder, status: RunStatus) -> None:
    fold = fold_at_work(run)
    seen = _watched(str((fold or run).events_file), _is_frozen(run)).look()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status.state.capitalize(), color=STATE_COLOURS[status.state])
        st.markdown(f"**{plain_text(label_of(run))}**")
    if status.state.alive:
        _show_progress(run, status, seen.progress if fold is None else progress_of_folds(run, fold, seen.progress))
        live_tiles(seen.progress, seen.machine, seen.target, has_epochs="loss" in seen.charts)
    else:
        _show_end(run, status)
    if fold is not None:
        seen = _choose_fold(run, fold, seen)
    if seen.head is not None:
        st.markdown(head_text(seen.head, seen.target))
    containers = [*st.columns(2), st.container()]
    for container, (name, figure) in zip(containers, seen.charts.items(), strict=False):
        with container:
            chart(figure, f"{name}-{run.name}")
    show_log(log_tail(run))
    if seen.notices:
        with st.expander(f"Notices ({len(seen.notices)}): about the data and the model", icon=":material/info:"):
            st.write("\n".join(f"- {plain_text(message)}" for message in seen.notices))


def _choose_fold(run: RunFolder, fold: RunFolder, seen: _Seen) -> _Seen:
    """Show the folds of a cross-validation, and return what to show of the chosen one; by default the newest."""
    chosen = choose_fold(run, fold)
    shown = seen if chosen == fold else _watched(str(chosen.events_file), _is_frozen(run)).look()
    of_all = notices(read_events(run.events_file))
    return replace(shown, notices=[*of_all, *shown.notices])


def _show_progress(run: RunFolder, status: RunStatus, progress: RunProgress) -> None:
    left, right = st.columns([6, 1], vertical_alignment="bottom")
    text, fraction = plain_text(progress.text), progress.fraction
    if status.state is RunState.QUEUED:  # the events, if any, are from an earlier start
        number = position(run)
        text, fraction = (f"Waiting: number {number} in the queue" if number else "Starting"), 0.0
    left.progress(min(1.0, fraction), text=text)
    right.button(
        "Stopping" if status.stopping else "Stop",
        icon=":material/stop:",
        disabled=status.stopping or not may(Action.STOP_RUN, run),
        help=why_not(Action.STOP_RUN, run),
        key="stop",
        width="stretch",
        on_click=guarded_on(Action.STOP_RUN, KnownRun.of(run), launch.request_stop),
    )


def _show_end(run: RunFolder, status: RunStatus) -> None:
    if status.state is RunState.DONE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write("Training and testing are done.")
            st.page_link("pages/evaluation.py", label="See the test results", icon=":material/analytics:")
            st.page_link("pages/trial_viewer.py", label="View the trials", icon=":material/slideshow:")
        return
    show = st.info if status.state is RunState.STOPPED else st.error
    show(plain_text(status.reason) or "The run ended before training was done.")
    st.button(
        "Resume",
        icon=":material/play_arrow:",
        key="resume",
        disabled=not may(Action.RESUME_RUN, run),
        help=why_not(Action.RESUME_RUN, run),
        on_click=act_on,
        args=(KnownRun.of(run), resume),
    )
