"""A background job on a page: its progress, a button to stop it, and its log."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.access import acting, guarded, may, why_not
from pages.components.actions import act_on, problem_waits
from pages.components.words import plain_text
from socal_core.access.permissions import Action
from socal_core.jobs.job import Job, JobState, JobStatus
from socal_core.runs.folder import RunFolder
from socal_core.runs.identity import KnownRun

REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class Button:
    """A button that starts a job."""

    label: str
    icon: str
    key: str


def watch(job: Job, text: Callable[[JobStatus], str]) -> None:
    """Show the progress of a job and a button to stop it, and rerun the page when the job has ended.

    Args:
        job: A running job.
        text: Returns the text above the progress bar, as Markdown.
    """
    st.fragment(_watch, run_every=REFRESH_SECONDS)(job, text)


def _watch(job: Job, text: Callable[[JobStatus], str]) -> None:
    status = job.status()
    if not status.running:
        st.rerun()
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.progress(status.fraction, text=text(status))
    with right:
        stop_button(job, status)


def stop_button(job: Job, status: JobStatus) -> None:
    """Show a button that stops a running job; it is disabled while the job is stopping, and for who may not stop it."""
    if problem_waits():
        st.rerun()  # a refreshed fragment does not show what the page says
    st.button(
        "Stopping" if status.stopping else "Stop",
        icon=":material/stop:",
        disabled=status.stopping or not may(Action.STOP_JOB, job),
        help=why_not(Action.STOP_JOB, job),
        key=f"stop-{job.name}",
        width="stretch",
        on_click=guarded(Action.STOP_JOB, partial(job.stop, status.id), job, job.name),
    )


def start_job(job: Job, action: Action, request: dict[str, Any], environment: dict[str, str] | None = None) -> bool:
    """Start a job for the user; return False if it is already running.

    Args:
        job: The job.
        action: What the user does by starting it.
        request: The request, with values for JSON.
        environment: Variables to add to those of the server.

    Raises:
        SocalError: The user may not do that, or the process cannot be started.
    """
    subject = " ".join(str(request[name]) for name in ("run", "trial", "data", "material", "folder") if name in request)
    with acting(action, what=f"{job.name}: {subject}") as deed:
        return job.start(request, environment, deed.user.name)


def stage_text(status: JobStatus) -> str:
    """Return what a job is doing and how far it is, as Markdown."""
    text = plain_text(status.what or "Starting")
    return f"{text}: {status.done:,} of {status.total:,}" if status.total else text


LEAVE = "You can leave this page or close the browser. The computation continues."


def offer(
    job: Job,
    request: dict[str, Any],
    button: Button,
    about: str,
    busy: str,
    while_running: str = LEAVE,
    action: Action = Action.COMPUTE,
) -> None:
    """Show the progress of a job that carries out a request, or the button that starts it.

    Args:
        job: The job.
        request: The request, with values for JSON; `run` is the folder of a run.
        button: The button.
        about: What the job does and how long it takes, as Markdown.
        busy: What to say, as Markdown, while the job carries out another request.
        while_running: What to say, as Markdown, while it carries out this one.
        action: What the user does by starting it.
    """
    status, mine = job.status(), job.request() == request
    if status.running and mine:
        watch(job, stage_text)
        st.caption(while_running)
        return
    st.caption(busy if status.running else about)
    known = KnownRun.of(RunFolder(Path(request["run"])))

    def start(_: RunFolder) -> None:
        start_job(job, action, request, {"HF_HUB_OFFLINE": "1"})

    st.button(
        button.label,
        icon=button.icon,
        key=button.key,
        disabled=status.running or not may(action),
        help=why_not(action),
        on_click=act_on,
        args=(known, start),
    )
    if mine and status.state is JobState.STOPPED:
        st.caption("The last computation was stopped.")
    if mine and status.error:
        st.error(plain_text(status.error))
        show_log(job.log_tail())


def show_log(lines: list[str]) -> None:
    """Show the last lines of a log in a collapsed section; nothing if there are none."""
    if lines:
        with st.expander("Last lines of the log", icon=":material/terminal:"):
            st.code("\n".join(lines), language=None, wrap_lines=True)
