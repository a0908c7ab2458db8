"""The commands that list and stop runs: `runs` and `stop`. They load neither PyTorch nor scikit-learn."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.access.audit import acting
from socal_core.access.permissions import Action
from socal_core.access.users import local_user
from socal_core.cli.arguments import print_line
from socal_core.errors import RunError, SocalError
from socal_core.file_handles import os_reason
from socal_core.lifecycle.launch import request_stop
from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.cross_validation import evaluated_folds
from socal_core.runs.events import epochs_table, head_of, read_events
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.settings import Recipe

STOP_PATIENCE_SECONDS = 60.0
_TITLES = {"run": "RUN", "state": "STATE", "done": "EPOCH", "best": "BEST LOSS", "started": "STARTED", "reason": ""}


def runs(options: argparse.Namespace) -> int:
    """List the runs in a folder."""
    root: Path = options.root
    try:
        found = sorted([*list_runs(root), *list_ruins(root)], key=lambda run: run.name)
    except OSError as error:
        raise RunError(f"{root}: {os_reason(error)}. Name a folder that holds runs.") from None
    rows = [_row(run) for run in found]
    if options.json:
        print_line(json.dumps(rows, indent=2))
    elif rows:
        print_line(_table(rows))
    else:
        sys.stderr.write("There are no runs here.\n")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ask a run to stop, and wait until it has ended."""
    run = RunFolder.open(options.run)
    state = read_status(run).state
    if not state.alive:
        verb = {RunState.FAILED: "has", RunState.INTERRUPTED: "was"}.get(state, "is")
        print_line(f"Run {run.name} is not active: it {verb} {state}.")
        return 0
    with acting(local_user(), Action.STOP_RUN, run, run.name):
        request_stop(run)
    sys.stderr.write(f"Run {run.name} was asked to stop. Waiting until it has ended.\n")
    deadline = time.monotonic() + STOP_PATIENCE_SECONDS
    while (state := read_status(run).state).alive:
        if time.monotonic() > deadline:
            raise RunError(
                f"Run {run.name} was asked to stop and is still active after {STOP_PATIENCE_SECONDS:.0f} s. It stops "
                "after its current step. Wait for that, or end its process."
            )
        time.sleep(0.1)
    print_line(f"Run {run.name} is {state}.")
    return 0


def _row(run: RunFolder) -> dict[str, Any]:
    """Return the table row of a run. If the run cannot be read, the row gives the reason."""
    try:
        config = run.read_config()
        status = read_status(run)
        events = read_events(run.events_file)
        epochs, head = epochs_table(events), head_of(events)
        losses = epochs["val_loss"].dropna().tolist() + ([] if head is None else [head["val_loss"]])
        started = next((event["time"] for event in events if event["type"] == "started"), None)
        folds = evaluated_folds(run)
        no_epochs = folds is not None or config.model.recipe is Recipe.FROZEN
        return {
            "run": run.name,
            "state": str(status.state),
            "epoch": None if no_epochs else _epoch(epochs),
            "epochs": None if no_epochs else config.optimization.num_epochs,
            "folds_done": None if folds is None else folds[0],
            "folds": None if folds is None else folds[1],
            "best": min(map(float, losses), default=None),
            "started": None if started is None else datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
            "reason": status.reason,
        }
    except SocalError as error:
        reason = str(error)
    except OSError as error:
        reason = f"A file of the run cannot be read: {os_reason(error)}."
    nothing = dict.fromkeys(("epoch", "epochs", "folds_done", "folds", "best", "started"))
    return {"run": run.name, "state": "unreadable", **nothing, "reason": reason}


def _epoch(epochs: pd.DataFrame) -> int:
    """Return the number of finished epochs."""
    return 0 if epochs.empty else int(epochs["epoch"].max())


def _table(rows: list[dict[str, Any]]) -> str:
    """Format the rows below their titles, with each column as wide as its longest cell."""
    lines = [list(_TITLES.values())]
    for row in rows:
        best = "" if row["best"] is None else f"{row['best']:.4f}"
        done = "" if row["epoch"] is None else f"{row['epoch']}/{row['epochs']}"
        if row["folds"] is not None:
            done = f"{row['folds_done']}/{row['folds']} folds"
        lines.append([row["run"], row["state"], done, best, row["started"] or "", row["reason"]])
    widths = [max(len(line[column]) for line in lines) for column in range(len(_TITLES))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
