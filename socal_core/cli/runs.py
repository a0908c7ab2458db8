"""The commands that train and evaluate runs: `train` and `evaluate`."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.access.audit import acting, record_here
from socal_core.access.permissions import Action
from socal_core.access.users import local_user
from socal_core.annotations.alignment import warning_of_shifts
from socal_core.cli.arguments import (
    data_options,
    given_settings,
    open_data,
    pop_force_retrain,
    print_line,
    settings,
    typed_settings,
)
from socal_core.cli.bars import StageBar, TrainingBar
from socal_core.cli.scores import success_text, target_text
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.saved_views import SavedView
from socal_core.errors import RunError, SocalError
from socal_core.evaluation.alarms import alarms_of
from socal_core.evaluation.control_runs import rows_of_control_runs, rows_of_target_control_runs
from socal_core.evaluation.controls import interval_of_control
from socal_core.evaluation.cross_validation import finish_cross_validation
from socal_core.evaluation.frame_alarms import unchecked
from socal_core.evaluation.run_results import CHANGED_DATA, RunResults, data_differ
from socal_core.evaluation.target_metrics import scores_of_test_trials
from socal_core.evaluation.trial_scores import metrics_of_test_trials
from socal_core.evaluation.view_results import results_in_view, target_metrics_in_view, view_of_run
from socal_core.lifecycle.further import how_to_continue, make_run, train_further
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, written_status
from socal_core.lifecycle.trash import TRASH, restore, trash
from socal_core.runs.cross_validation import check_is_single, is_cross_validation
from socal_core.runs.files.metrics_file import AnyMetrics, is_of_success
from socal_core.runs.files.metrics_record import EvaluatedRun
from socal_core.runs.files.target_metrics_record import TargetMetrics
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TINY
from socal_core.splits import dataset_of_run, warning_of, with_filter
from socal_core.training.run_end import reason_of
from socal_core.training.run_split import with_outcomes_of_control
from socal_core.training.turn import is_main_process
from socal_core.training.worker import work


def train(options: argparse.Namespace) -> int:
    """Train a run in this process: a new one, a resumed one, or a new one that trains another run further."""
    if options.resume and (options.run / "config.json").is_file():
        run = RunFolder.open(options.run)
        check_data(run, options.data)
        check_is_single(run)
        check_not_replaced(run, pop_force_retrain(options))
        check_same(run, options, given_settings(options), options.from_run)
        if written_status(run).state is RunState.DONE:
            sys.stderr.write(f"Run {run.name} is already done. {how_to_continue(run)}\n")
            return 0
        record_here(Action.RESUME_RUN, run.name)
    elif is_main_process():
        run = _make_run(options)
    else:
        run = RunFolder(options.run)
    with TrainingBar() as bar:
        state = work(run, options.resume, bar.show)
    if state is RunState.FAILED:
        raise RunError(reason_of(run))
    if is_main_process():
        print_line(f"Run {run.name} is {state}.")
    return 0


def _make_run(options: argparse.Namespace) -> RunFolder:
    replaces = pop_force_retrain(options)
    run = _new_run(options, replaces) if options.from_run is None else _further_run(options, replaces)
    record_start(run)
    return run


def record_start(run: RunFolder) -> None:
    """Write who started a run, to its folder and to the audit log of the workspace."""
    run.write_owner(local_user().name)
    record_here(Action.START_RUN, run.name)


def _new_run(options: argparse.Namespace, replaces: bool) -> RunFolder:
    config = with_filter(settings(options), Path(options.data))
    # No run is created for a folder that cannot be opened or lacks the target.
    warn_of_shifts(dataset_of_run(open_data(options), config))
    with in_place_of_earlier(options.run, replaces, local_folder(config.model.model)):
        return make_run(options.run, config, Path(options.data), data_options(options))


def _further_run(options: argparse.Namespace, replaces: bool) -> RunFolder:
    """Create a run that starts from the best checkpoint of the run that --from-run names."""
    if options.config or options.boxes or options.column:
        raise RunError(
            "With --from-run, the new run takes the settings of that run and reads the data in the same way. Leave out "
            "--config, --boxes and --column; change single settings with --set."
        )
    source = RunFolder.open(options.from_run)
    check_data(source, options.data)
    warn_of_shifts(source.open_dataset())
    with in_place_of_earlier(options.run, replaces, source.path):
        return train_further(source, options.run, typed_settings(options))


def warn_of_shifts(dataset: Dataset) -> None:
    """Warn of boxes that the user marked as shifted against their frames."""
    warning = warning_of_shifts(dataset)
    if warning:
        sys.stderr.write(f"warning: {warning}\n")


@contextmanager
def in_place_of_earlier(path: Path, replaces: bool, start: Path | None) -> Iterator[None]:
    """Move an existing run to the trash while a new one is created in its folder, and restore it if that fails.

    Args:
        path: The folder of both runs.
        replaces: Whether to replace an existing run; if False, or if there is none, nothing is moved.
        start: The folder that the model of the new run comes from.

    Raises:
        RunError: The earlier run is waiting or active, or the new run starts from it.
    """
    run = RunFolder(path)
    if not replaces or not run.config_file.is_file():
        yield
        return
    if start is not None and start.resolve().is_relative_to(path.resolve()):
        raise RunError(f"The new run starts from run {run.name}, so it cannot replace it. Choose another name.")
    with acting(local_user(), Action.DELETE_RUN, run, run.name):
        moved = trash(run)
    try:
        yield
    except SocalError:
        restore(moved)
        raise
    sys.stderr.write(f"The earlier run {run.name} is now in the trash, in {TRASH}/{moved.path.name} next to it.\n")


def check_data(run: RunFolder, data: str) -> None:
    """Check that a run was started with this data folder; otherwise raise a RunError."""
    if run.read_data() != Path(data).resolve():
        raise RunError(f"Run {run.name} was started with another data folder than {data}. Use that folder.")


def check_not_replaced(run: RunFolder, replaces: bool) -> None:
    """Check that force_retrain is not given beside --resume; otherwise raise a RunError."""
    if replaces:
        raise RunError(f"--resume continues run {run.name}, and force_retrain replaces it. Leave out one of them.")


def check_same(
    run: RunFolder, options: argparse.Namespace, given: Mapping[str, Any], from_run: Path | None = None
) -> None:
    """Check that what is given beside --resume is as in the run, so that a job can be repeated as it was started.

    Args:
        run: The run.
        options: The arguments.
        given: The settings among them.
        from_run: The run that this one is said to have started from.

    Raises:
        RunError: Settings, reading options or the run that this one started from differ. The error names them.
    """
    kept = run.read_config().as_dict()
    differing = [
        f"{name} is {kept[name]!s}, not {value!s}"
        for name, value in given.items()
        if kept[name] != (_absolute(value) if name == "model" else value)
    ]
    opened = data_options(options)
    if opened != OpenOptions() and opened != run.read_data_options():
        differing.append("--boxes and --column are others")
    origin = run.read_origin()
    if from_run is not None and (origin is None or origin.run != from_run.resolve().name):
        differing.append(f"--from-run is {origin.run if origin else 'not given'}")
    if differing:
        raise RunError(
            f"Run {run.name} keeps its settings when it is resumed: {'; '.join(differing)}. Give the same ones, leave "
            "them out, or start a new run."
        )


def _absolute(model: str) -> str:
    """Return the name of a model as runs record it."""
    folder = None if model == TINY else local_folder(model)
    return model if folder is None else str(folder.resolve())


def evaluate(options: argparse.Namespace) -> int:
    """Report the metrics of a run on its test trials."""
    run = RunFolder.open(options.run)
    predictions, written = run.read_predictions(), run.read_metrics()
    if predictions is None or written is None:
        predictions, written = _predict_best(run)
    warning = warning_of(run.read_config().split.split_method)
    if warning:
        sys.stderr.write(f"warning: {warning}\n")
    _warn_of_changed_data(run, written)
    view = None if options.view is None else view_of_run(run, options.view)
    if not is_of_success(written):
        target = run.read_target()
        found: TargetMetrics = {**written, **scores_of_test_trials(predictions, target)}
        if view is not None:
            found, predictions = target_metrics_in_view(run, found, predictions, target, view)
        found["controls"] += rows_of_target_control_runs(run, predictions, target)
        _note_view(view, found["n"])
        print_line(json.dumps(found, indent=2) if options.json else target_text(found))
        return 0
    whole = RunResults(run, predictions, written)
    results = whole if view is None else results_in_view(whole, view)
    controls = [*results.metrics["controls"], *rows_of_control_runs(run, results.predictions)]
    metrics: EvaluatedRun = {
        **metrics_of_test_trials(results.predictions),
        "threshold": {"value": written["threshold"], "chosen_on": "validation"},
        "controls": [{**row, "interval": interval_of_control(results.metrics, row)} for row in controls],
        "cross_validation": results.metrics.get("cross_validation"),
        "alarms": [alarm.as_dict() for alarm in alarms_of(whole)],
        "unchecked": unchecked(whole.run),
    }
    _note_view(view, metrics["n"])
    print_line(json.dumps(metrics, indent=2) if options.json else success_text(metrics))
    return 0


def _warn_of_changed_data(run: RunFolder, metrics: AnyMetrics) -> None:
    try:
        changed = data_differ(metrics.get("data_fingerprint"), run.open_dataset().fingerprint)
    except SocalError:
        return  # the results do not need the data
    if changed:
        sys.stderr.write(f"warning: {CHANGED_DATA}\n")


def _note_view(view: SavedView | None, trials: int) -> None:
    if view is not None:
        sys.stderr.write(f"Only the {trials} test trials in the view {view.name} are evaluated.\n")


def _predict_best(run: RunFolder) -> tuple[pd.DataFrame, AnyMetrics]:
    """Predict and evaluate all trials of a run that ended before its evaluation, with its best checkpoint."""
    # Load PyTorch only if predictions have to be computed.
    from socal_core.evaluation.predict import finish_run
    from socal_core.evaluation.predictors import open_predictor

    lock = take_lock(run.lock_file, run.name)
    try:
        if is_cross_validation(run):
            return finish_cross_validation(run)
        split = run.read_split()
        dataset, trials = with_outcomes_of_control(run.open_dataset(), split, run.read_config()), split.trial_ids
        with StageBar() as bar, open_predictor(run, dataset, trials, bar.show) as predictor:
            return finish_run(run, dataset, predictor, partial(bar.show, "Predicting"))
    finally:
        os.close(lock)
