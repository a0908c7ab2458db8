"""Checks of the workspace: who can read it, its locks, runs and jobs, and what is configured in it."""

import os
import stat
import tempfile
from collections import Counter
from pathlib import Path

from socal_core.access.server_config import SERVER_FILE, read_server_config
from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.jobs.job import Job, JobState
from socal_core.lifecycle.state import RunState, read_status
from socal_core.maintenance.finding import Finding, error, listed, ok, warning
from socal_core.maintenance.locks import BROKEN, lock_problem
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.workspace import demo_folder, given_data_folder, remembered_data_folder

RUNS, JOBS = "runs", "jobs"


def check_permissions(workspace: Path) -> Finding:
    """Check that the app can write to the workspace, and that other accounts of the machine cannot read it."""
    try:
        tempfile.TemporaryFile(dir=workspace).close()
    except OSError as problem:
        advice = "Allow it, or choose another folder with SOCAL_WORKSPACE."
        return error("permissions", f"{workspace} cannot be written to: {os_reason(problem)}", advice)
    if readable_by_others(workspace):
        found = f"other accounts of this machine can read {workspace}, which holds outcomes and predictions"
        return warning("permissions", found, f"Keep them out: chmod 700 {workspace}")
    return ok("permissions", f"{workspace} can be written to, and only its owner and group can read it")


def readable_by_others(folder: Path) -> bool:
    """Return whether accounts beside the owner and the group of a folder can list it."""
    folder = folder.resolve()
    listable = folder.stat().st_mode & stat.S_IROTH
    return bool(listable) and all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def check_locks(workspace: Path) -> Finding:
    """Check that locks keep two processes apart, also on two machines."""
    problem = lock_problem(workspace)
    if not problem:
        return ok("locks", "the file system of the workspace has working locks")
    found, _, advice = problem.partition(". ")
    return (error if problem == BROKEN else warning)("locks", found, advice)


def check_runs(workspace: Path) -> Finding:
    """Count the runs by state, and name those that cannot be read."""
    root = workspace / RUNS
    if not root.is_dir():
        return ok("runs", "none yet")
    states: Counter[RunState] = Counter()
    unreadable = [run.name for run in list_ruins(root)]
    for run in list_runs(root):
        if state := _state_of(run):
            states[state] += 1
        else:
            unreadable.append(run.name)
    found = ", ".join(f"{states[state]} {state}" for state in RunState if states[state]) or "none that can be read"
    if unreadable:
        found = f"{found}; unreadable: {listed(sorted(unreadable))}"
        return warning("runs", found, "socal runs says what is wrong with each; restore them from a backup.")
    if states[RunState.INTERRUPTED]:
        return warning("runs", found, "Resume the interrupted runs on the Training page.")
    return ok("runs", found if states else "none yet")


def check_jobs(workspace: Path) -> Finding:
    """Report the jobs of the pages that are at work, and those that ended badly."""
    states = {path.name: _job(path.name).status().state for path in _folders(workspace / JOBS)}
    running = [name for name, state in states.items() if state is JobState.RUNNING]
    bad = [f"{name} ({state})" for name, state in states.items() if state in {JobState.DIED, JobState.FAILED}]
    at_work = f"at work: {listed(running)}" if running else "none at work"
    if bad:
        found = f"{at_work}; ended with an error: {listed(bad)}"
        return warning("jobs", found, "See the log in their folder below jobs/; starting one again clears its error.")
    return ok("jobs", at_work)


def check_server(workspace: Path) -> Finding:
    """Check server.toml."""
    config = read_server_config()
    if not (workspace / SERVER_FILE).exists():
        return ok(SERVER_FILE, "there is none: one user, on this machine")
    missing = [str(root) for root in config.data_roots if not root.is_dir()]
    found = f"login {config.login}, {len(config.roles)} users with a role"
    if missing:
        return warning(SERVER_FILE, f"{found}; data_roots that are missing: {listed(missing)}", "Correct the file.")
    return ok(SERVER_FILE, found)


def check_data(_: Path) -> Finding:
    """Check that the data folder that the app opens can be read."""
    data = remembered_data_folder(given_data_folder([]))
    if not data:
        return ok("data folder", "the demo" + ("" if demo_folder().is_dir() else ", which is not generated yet"))
    if not os.access(data, os.R_OK | os.X_OK) or not Path(data).is_dir():
        return warning("data folder", f"{data} cannot be opened", "Mount it, or choose another folder in the app.")
    return ok("data folder", data)


def _state_of(run: RunFolder) -> RunState | None:
    try:
        run.read_config()
        return read_status(run).state
    except (SocalError, OSError):
        return None


def _job(name: str) -> Job:
    return Job(name, "", f"The job {name}")


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []
