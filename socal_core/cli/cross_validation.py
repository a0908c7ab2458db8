"""The command that trains a run per fold and pools their predictions: `cv`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from socal_core.access.audit import record_here
from socal_core.access.permissions import Action
from socal_core.cli.arguments import (
    data_options,
    given_settings,
    open_data,
    pop_force_retrain,
    print_line,
    typed_settings,
)
from socal_core.cli.bars import TrainingBar
from socal_core.cli.runs import (
    check_data,
    check_not_replaced,
    check_same,
    in_place_of_earlier,
    record_start,
    warn_of_shifts,
)
from socal_core.errors import ConfigError, RunError
from socal_core.lifecycle.cross_validation import make_cross_validation, unfinished_folds
from socal_core.lifecycle.further import how_to_continue
from socal_core.lifecycle.state import RunState, written_status
from socal_core.runs.cross_validation import read_cross_validation
from socal_core.runs.files.records import MOST_REPEATS
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import default_model, local_folder
from socal_core.settings import SplitMethod, config_from
from socal_core.splits import dataset_of_run, with_filter
from socal_core.training.cross_validation import cross_validate
from socal_core.training.run_end import reason_of
from socal_core.training.turn import is_main_process


def cv(options: argparse.Namespace) -> int:
    """Train the folds of a new cross-validation, or those that are left of an earlier one.

    They are trained in this process, or in all that torchrun started.
    """
    replaces = pop_force_retrain(options)
    given = _given(options)
    if options.resume and (options.run / "config.json").is_file():
        run = RunFolder.open(options.run)
        check_not_replaced(run, replaces)
        _check_repeats(run, options.repeats)
        check_data(run, options.data)
        check_same(run, options, given)
        if written_status(run).state is RunState.DONE and not unfinished_folds(run):
            sys.stderr.write(f"Run {run.name} is already done. {how_to_continue(run)}\n")
            return 0
        record_here(Action.RESUME_RUN, run.name)
    elif is_main_process():
        run = _new(options, given, replaces)
        record_start(run)
    else:
        run = RunFolder(options.run)
    with TrainingBar() as bar:
        state = cross_validate(run, bar.show)
    if state is RunState.FAILED:
        raise RunError(reason_of(run))
    if is_main_process():
        print_line(f"Run {run.name} is {state}.")
    return 0


def _new(options: argparse.Namespace, given: dict[str, Any], replaces: bool) -> RunFolder:
    """Create a cross-validation, in place of an earlier run if it `replaces` it."""
    config = with_filter(config_from(given, default_model()), Path(options.data))
    dataset = dataset_of_run(open_data(options), config)
    warn_of_shifts(dataset)
    with in_place_of_earlier(options.run, replaces, local_folder(config.model.model)):
        return make_cross_validation(options.run, config, dataset, data_options(options), options.repeats or 1)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that are given, with those that cross-validation determines.

    Raises:
        ConfigError: A setting contradicts cross-validation.
    """
    determined: dict[str, Any] = {"split_method": SplitMethod.KFOLD.value, "fold": 1}
    if options.folds is not None:
        determined["folds"] = options.folds
    for name, value in typed_settings(options).items():
        if name == "fold":
            raise ConfigError(name, "must be left out, because cv trains all folds", value)
        if determined.get(name, value) != value:
            raise ConfigError(name, f"must be {determined[name]} or left out", value)
    if options.repeats is not None and not 1 <= options.repeats <= MOST_REPEATS:
        raise ConfigError("--repeats", f"must be between 1 and {MOST_REPEATS}", options.repeats)
    return given_settings(options) | determined


def _check_repeats(run: RunFolder, repeats: int | None) -> None:
    """Check that a run is a cross-validation with this number of repeats, if one is given."""
    found = read_cross_validation(run)
    if found is None:
        raise RunError(f"Run {run.name} is no cross-validation. Continue it with train, or choose another name.")
    if repeats is not None and repeats != found.repeats:
        raise RunError(
            f"Run {run.name} keeps its settings when it is resumed: repeats is {found.repeats}, not {repeats}. Give "
            "the same number, leave it out, or start a new run."
        )
