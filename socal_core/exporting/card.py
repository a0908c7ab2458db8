"""The run card: what a reader must know about a run to judge its result, collected from its files and its data.

All values are JSON-ready. What cannot be read is named in `missing`, so that a card of any run can be made.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from socal_core import __version__
from socal_core.access.pseudonyms import pseudonymized_values
from socal_core.errors import SocalError
from socal_core.evaluation.trial_scores import current_metrics
from socal_core.exporting.card_data import data_facts, split_facts
from socal_core.exporting.card_limits import citations, licences, limits
from socal_core.exporting.card_results import result_facts
from socal_core.exporting.checklist_items import CHECKLISTS
from socal_core.exporting.checklists import answers_of, fill
from socal_core.file_handles import os_reason
from socal_core.lifecycle.state import read_status
from socal_core.runs.cross_validation import folds_of, is_cross_validation
from socal_core.runs.events import read_events
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.files.records import Environment
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import model_name
from socal_core.runs.notes import read_notes
from socal_core.runs.overview import seconds_at_work
from socal_core.settings import TrainConfig, applicable_settings

CARD_FORMAT = 1
LEFT_OUT = "left out"
T = TypeVar("T")


def collect_facts(run: RunFolder, with_names: bool = True) -> dict[str, Any]:
    """Collect the facts of a run card.

    Args:
        run: A run in any state, or a cross-validation.
        with_names: Whether to give the name that users gave the run, and the choice of its trials, which may name
            surgeons.

    Returns:
        JSON-ready values: format, made, run, missing, data, split, configuration, model, hardware, results, limits,
        licences, citations and checklists. A part is None if nothing about it is known; `missing` says why.

    Raises:
        RunError: The settings of the run cannot be read.
        ConfigError: A setting is invalid.
    """
    config, missing = run.read_config(), list[str]()

    def known(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except SocalError as error:
            missing.append(str(error))
        except OSError as error:
            missing.append(f"Run {run.name}: a file cannot be read: {os_reason(error)}.")
        return None

    state = read_status(run).state
    dataset = known(run.open_dataset)
    metrics = known(run.read_metrics)
    if metrics is not None and is_of_success(metrics):
        metrics = current_metrics(metrics, known(run.read_predictions))
    if not run.metrics_file.exists():
        missing.append(f"Run {run.name} has no test results. Its state is {state}.")
    trained = next((fold.run for fold in folds_of(run)), run)  # the folds of a cross-validation record their machine
    environment = known(trained.read_environment) or Environment()
    facts: dict[str, Any] = {
        "format": CARD_FORMAT,
        "made": {"socal_core": __version__, "time": datetime.now(UTC).isoformat(timespec="seconds")},
        "run": {
            "name": run.name,
            "title": (read_notes(run).name if with_names else "") or run.name,
            "state": str(state),
            "cross_validation": is_cross_validation(run),
            "data_folder": run.read_data().name,
        },
        "data": data_facts(dataset) if dataset else None,
        "split": known(lambda: split_facts(run, dataset)),
        "configuration": _configuration(config, with_names),
        "model": _model(environment),
        "hardware": _hardware(environment, known(lambda: seconds_at_work(read_events(run.events_file)))),
        "results": None if metrics is None else result_facts(dict(metrics), run.read_target()),
        "missing": missing,
    }
    facts["limits"] = limits(facts, config, with_names)
    facts["licences"] = licences(facts, environment, dataset)
    facts["citations"] = citations(dataset, environment)
    answers = answers_of(facts)
    facts["checklists"] = [fill(checklist, answers) for checklist in CHECKLISTS]
    return facts


def pseudonymized_facts(run: RunFolder) -> dict[str, Any]:
    """Collect the facts of a run card with pseudonyms for trials and surgeons.

    The name that users gave the run, and the choice of its trials, which may name surgeons, are left out.

    Args:
        run: As for `collect_facts`.

    Raises:
        RunError: As for `collect_facts`, or the predictions, which name trials, are damaged.
        DataError: The data set, which names trials and surgeons, or the file of pseudonyms cannot be read.
    """
    facts, dataset, predictions = collect_facts(run, with_names=False), run.open_dataset(), run.read_predictions()
    trials, surgeons = set(map(str, dataset.trials.index)), set(dataset.trials["participant_id"])
    if predictions is not None:
        trials |= set(predictions["trial_id"])
        surgeons |= set(predictions["participant_id"])
    found: dict[str, Any] = pseudonymized_values(facts, trials, surgeons - {""})
    return found


def _configuration(config: TrainConfig, with_names: bool) -> dict[str, Any]:
    """Return the settings that have an effect, without paths of this machine."""
    values = {**applicable_settings(config), "model": model_name(config.model.model)}
    if not with_names:
        values |= {name: LEFT_OUT for name in ("trials", "view") if values.get(name)}
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}


def _model(environment: Environment) -> dict[str, Any]:
    """Return the weights that the run started from, and its encoders."""
    return {
        "weights": None if environment.weights is None else asdict(environment.weights),
        "encoders": [asdict(encoder) for encoder in (environment.encoders or {}).values()],
    }


def _hardware(environment: Environment, seconds: float | None) -> dict[str, Any]:
    """Return versions, machine and working time; what the run did not record is None."""
    kept = {name: value for name, value in asdict(environment).items() if name not in {"weights", "encoders"}}
    return {**kept, "seconds": seconds or None}
