"""Whatever happens to a file of a run: the other runs are listed, and each reader works or names the file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from socal_core import load_run
from socal_core.errors import SocalError
from socal_core.evaluation.alarms import alarms_of
from socal_core.evaluation.control_runs import rows_of_control_runs
from socal_core.evaluation.run_comparison import compare_runs
from socal_core.evaluation.run_results import read_results
from socal_core.evaluation.trial_scores import current_metrics
from socal_core.explanations.attention_record import read_attention
from socal_core.explanations.record import read_explanation
from socal_core.exporting.card import collect_facts
from socal_core.figures.training import loss_curves
from socal_core.lifecycle.control import controls_of, is_control
from socal_core.lifecycle.further import inherited
from socal_core.lifecycle.state import read_status, written_status
from socal_core.runs.checkpoint_folders import best_checkpoint, checkpoint_to_resume, newest_checkpoint
from socal_core.runs.cross_validation import folds_of, job_of
from socal_core.runs.events import epochs_table, notices, steps_table
from socal_core.runs.files.earliness_record import EARLINESS
from socal_core.runs.files.trial_course import read_course
from socal_core.runs.folder import RunFolder
from socal_core.runs.follow import EventFollower
from socal_core.runs.identity import KnownRun
from socal_core.runs.log_tail import log_tail
from socal_core.runs.notes import label_of, read_notes
from socal_core.runs.overview import differing_settings, summary_of
from socal_core.runs.progress import machine_use, progress_of
from socal_core.runs.run_list import list_ruins, list_runs
from socal_core.runs.trial_notes import read_trial_notes
from tests.damages import DAMAGES, damage, write_full_run
from tests.made_runs import write_run

TRIAL = "TRIAL"
FILES = (
    *("config.json", "split.json", "target.json", "environment.json", "events.jsonl", "status.json", "identity.json"),
    *("predictions.csv", "metrics.json", "earliness.json", "notes.json", "trial_notes.json", "continued_from.json"),
    *("explanations/TRIAL.json", "attention/TRIAL.json", "courses/TRIAL.json", "worker.log", "worker.lock", "stop"),
    *("cross_validation.json", "checkpoints/EPOCH/manifest.json", "checkpoints/EPOCH/training.json"),
    *("checkpoints/EPOCH/config.json", "checkpoints/EPOCH/model.safetensors"),
)
SETS_OF_FILES = {"worker.lock": b"", "stop": b"", "cross_validation.json": b'{"format": 1, "folds": 3, "repeats": 1}'}
"""Files that a finished run of its own lacks, with their content."""


def with_events(look: Callable[[list], object]) -> Callable[[RunFolder], object]:
    return lambda run: look(load_run(run.path).events)


def results_and(look: Callable) -> Callable[[RunFolder], object]:
    return lambda run: look(run, read_results(run))


def current(run: RunFolder) -> object:
    metrics, predictions = run.read_metrics(), run.read_predictions()
    return metrics and current_metrics(metrics, predictions)  # type: ignore[arg-type]


def every_part(run: RunFolder) -> None:
    loaded = load_run(run.path)
    for part in ("config", "split", "events", "metrics", "predictions"):
        getattr(loaded, part)


READERS: dict[str, Callable[[RunFolder], object]] = {
    "config": RunFolder.read_config,
    "data": RunFolder.read_data,
    "data options": RunFolder.read_data_options,
    "split": RunFolder.read_split,
    "origin": RunFolder.read_origin,
    "environment": RunFolder.read_environment,
    "metrics": RunFolder.read_metrics,
    "target": RunFolder.read_target,
    "predictions": RunFolder.read_predictions,
    "data set": RunFolder.open_dataset,
    "load_run": every_part,
    "events": with_events(lambda events: (progress_of(events), machine_use(events), notices(events))),
    "curves": with_events(lambda events: loss_curves(epochs_table(events), steps_table(events))),
    "follower": lambda run: EventFollower(run.events_file).events(),
    "trial notes": read_trial_notes,
    "earliness": lambda run: EARLINESS.read(run.path, f"Run {run.name}"),
    "explanation": lambda run: read_explanation(run, TRIAL),
    "attention": lambda run: (found := read_attention(run, TRIAL)) and found.squares,
    "course": lambda run: read_course(run.path, TRIAL),
    "resume": checkpoint_to_resume,
    "best": best_checkpoint,
    "newest": newest_checkpoint,
    "folds": folds_of,
    "results": read_results,
    "current": current,
    "alarms": results_and(lambda run, found: alarms_of(found)),
    "control rows": results_and(lambda run, found: rows_of_control_runs(run, found.predictions)),
    "inherited": lambda run: inherited(
        run.read_config().replace(model=str(next(run.checkpoints.iterdir()))), run.read_data()
    ),
    "comparison": lambda run: compare_runs(run, RunFolder(run.path.with_name("other"))),
    "card": collect_facts,
}
"""What may fail with a SocalError."""
ALWAYS: dict[str, Callable[[RunFolder], object]] = {
    "summary": summary_of,
    "status": read_status,
    "written": written_status,
    "notes": read_notes,
    "label": label_of,
    "log": log_tail,
    "identity": KnownRun.of,
    "control": is_control,
    "controls": lambda run: controls_of(RunFolder(run.path.with_name("other"))),
    "job": job_of,
}
"""What pages use for all runs, so that it must not fail."""


@pytest.fixture(scope="module")
def full_run(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    run = write_full_run(tmp_path_factory.mktemp("runs") / "run-1", shared_data_folder)
    for name, data in SETS_OF_FILES.items():
        (run.path / name).write_bytes(data)
    for folder in ("explanations", "attention", "courses"):
        (file,) = (run.path / folder).iterdir()
        file.rename(file.with_name(f"{TRIAL}.json"))
    (run.path / "cross_validation.json").rename(run.path / "cross_validation")
    (run.path / "stop").unlink()
    next(run.checkpoints.iterdir()).rename(run.checkpoints / "epoch-0003")
    write_run(run.path.with_name("other"), shared_data_folder, learning_rate=1e-3)
    return run


@pytest.fixture
def run(full_run: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the full run, which a test may damage, beside another run."""
    shutil.copytree(full_run.path.parent, tmp_path / "runs", symlinks=True)
    return RunFolder(tmp_path / "runs" / full_run.name)


def file_of(run: RunFolder, name: str) -> Path:
    file = run.path / name.replace("EPOCH", "epoch-0003")
    if name in SETS_OF_FILES:
        file.write_bytes(SETS_OF_FILES[name])
    return file


def test_nothing_is_wrong_with_the_whole_run(run: RunFolder) -> None:
    for look in READERS.values():
        look(run)
    assert summary_of(run).problem == ""


@pytest.mark.sampled(10)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", DAMAGES)
def test_readers_work_or_name_the_file(run: RunFolder, name: str, kind: str) -> None:
    file = file_of(run, name)
    damage(file, kind)
    root = run.path.parent
    listed = {found.name for found in (*list_runs(root), *list_ruins(root))}
    assert {"other", run.name} <= listed
    for look in ALWAYS.values():
        look(run)
    summaries = [summary_of(RunFolder(root / found)) for found in sorted(listed)]
    differing_settings([found.config for found in summaries if found.config is not None])
    for title, look in READERS.items():
        try:
            look(run)
        except SocalError as error:
            text = str(error)
            assert str(root) not in text
            assert any(part in text for part in (file.name, file.parent.name, run.name)), f"{title}: {text}"
