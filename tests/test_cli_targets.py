"""socal_core.cli on runs that predict a number or several classes, and the other readers of their metrics."""

import json
from pathlib import Path

import pytest

from socal_core.api import load_run
from socal_core.cli.scores import prediction_text
from socal_core.errors import RunError
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.folder import RunFolder
from socal_core.runs.overview import summary_of
from socal_core.storage import write_json
from socal_core.training.trackers import scores_on_test
from tests.made_target_runs import (
    CLASSES,
    NUMBER,
    write_target_cross_validation,
    write_target_dataset,
    write_target_run,
)
from tests.test_cli import run_cli


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_target_dataset(tmp_path_factory.mktemp("targets") / "data")


@pytest.fixture(scope="module")
def of_number(tmp_path_factory: pytest.TempPathFactory, data: Path) -> RunFolder:
    """A run that no test changes."""
    return write_target_run(tmp_path_factory.mktemp("runs") / "loss", data, NUMBER)


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory, data: Path) -> RunFolder:
    """A run that no test changes."""
    return write_target_run(tmp_path_factory.mktemp("runs") / "grades", data, CLASSES)


@pytest.mark.slow
def test_evaluate_prints_the_scores_of_a_number_with_its_unit(
    capsys: pytest.CaptureFixture[str], of_number: RunFolder
) -> None:
    code, out, _ = run_cli(capsys, "evaluate", of_number.path)
    lines = out.splitlines()
    metrics = of_number.read_metrics()
    assert code == 0
    assert lines[0] == f"Blood loss (mL): {metrics['n']} test trials; trials left out because it is unknown: 1"
    assert f"rmse: {metrics['scores']['rmse']:.0f} mL (too few surgeons for an interval)" in lines
    assert f"r2: {metrics['scores']['r2']:.3f} (too few surgeons for an interval)" in lines
    assert any(line.startswith("large_recall: ") for line in lines)
    assert any(line.startswith("control tth: rmse ") and line.endswith(" mL") for line in lines)
    assert lines[-1].startswith("The model (RMSE ")


@pytest.mark.slow
def test_evaluate_prints_the_scores_of_each_class(capsys: pytest.CaptureFixture[str], of_classes: RunFolder) -> None:
    _, out, _ = run_cli(capsys, "evaluate", of_classes.path)
    assert out.startswith("grade: 6 test trials")
    accuracy = of_classes.read_metrics()["scores"]["accuracy"]
    assert f"accuracy: {accuracy:.3f} (too few surgeons for an interval)" in out
    assert "\nlog_loss: " in out
    assert [line.split(",")[0] for line in out.splitlines() if line.startswith("class ")] == [
        "class Fair: 2 trials",
        "class good: 2 trials",
        "class poor: 2 trials",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("run", ["of_number", "of_classes"])
def test_evaluate_gives_all_metrics_as_json(
    capsys: pytest.CaptureFixture[str], run: str, request: pytest.FixtureRequest
) -> None:
    folder: RunFolder = request.getfixturevalue(run)
    _, out, _ = run_cli(capsys, "evaluate", folder.path, "--json")
    written = json.loads(folder.metrics_file.read_text())
    assert json.loads(out) == {name: value for name, value in written.items() if name != "format"}


@pytest.mark.slow
@pytest.mark.parametrize("target", [NUMBER, CLASSES])
def test_evaluate_prints_the_scores_of_each_fold(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Path, target: str
) -> None:
    run = write_target_cross_validation(tmp_path / "cv", data, target)
    _, out, _ = run_cli(capsys, "evaluate", run.path)
    main = run.read_metrics()["main"]
    folds = [line for line in out.splitlines() if line.startswith("fold-")]
    assert len(folds) == 3 and all(f"{main} " in line and "trials of 4 surgeons" in line for line in folds)
    assert f"{main} over 3 folds: " in out


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"predicted": 1234.567, "unit": "mL"}, "1235 mL"),
        ({"predicted": 0.25, "unit": ""}, "0.25"),
        ({"predicted": "good", "probabilities": {"poor": 0.3, "good": 0.7}}, "good (probability 0.700)"),
        ({"predicted": 1, "prob_success": 0.8}, "success (probability of success 0.800)"),
    ],
)
def test_a_prediction_names_its_class_or_its_unit(row: dict[str, object], text: str) -> None:
    assert prediction_text(row) == text


def test_split_describes_the_target(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    _, out, _ = run_cli(capsys, "split", data, "--set", f"target={NUMBER}")
    assert "test: 6 trials of 3 surgeons, Blood loss 332 to 1023 mL, mean 636.2 mL" in out
    _, out, _ = run_cli(capsys, "split", data, "--set", f"target={CLASSES}", "--json")
    sides = json.loads(out)["sides"]
    assert [sum(side["classes"][name] for side in sides.values()) for name in ("Fair", "good", "poor")] == [7, 8, 8]
    assert all(sum(side["classes"].values()) == side["trials"] for side in sides.values())


def test_leaks_refuse_another_target(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    code, _, err = run_cli(capsys, "leaks", data, "--set", f"target={CLASSES}")
    assert code == 2
    assert "target: must be success for leaks" in err


def test_runs_lists_them(capsys: pytest.CaptureFixture[str], of_number: RunFolder) -> None:
    _, out, _ = run_cli(capsys, "runs", of_number.path.parent)
    assert "loss  done" in out


def test_other_readers_take_metrics_of_any_target(of_number: RunFolder, of_classes: RunFolder) -> None:
    for run in (of_number, of_classes):
        metrics = run.read_metrics()
        assert metrics is not None and not is_of_success(metrics)
        assert summary_of(run).metrics == load_run(run.path).metrics == metrics
        assert summary_of(run).problem == ""
        defined = {f"test_{name}": value for name, value in metrics["scores"].items() if value is not None}
        assert scores_on_test(run) == defined


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"scores": {"rmse": "low"}}, "its field scores.rmse should be a valid number"),
        ({"unit": None}, "its field unit should be a valid string"),
        ({"main": 5}, "its field main should be a valid string"),
    ],
)
def test_damage_of_metrics_is_named_by_field(
    tmp_path: Path, of_number: RunFolder, change: dict[str, object], problem: str
) -> None:
    run = RunFolder(tmp_path)
    write_json(run.metrics_file, {**of_number.read_metrics(), **change})
    with pytest.raises(RunError, match=f"metrics.json cannot be read: {problem}. Delete the file and run"):
        run.read_metrics()
