"""python -m socal_core subgroups, similar and compare."""

import json
from pathlib import Path

import numpy as np
import pytest

from socal_core.cli import main
from socal_core.evaluation.run_comparison import compare_runs, comparison_text
from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from tests.made_features import write_features
from tests.made_runs import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> tuple[RunFolder, RunFolder]:
    root = tmp_path_factory.mktemp("runs")
    return tuple(write_run(root / name, shared_data_folder, skill=skill) for name, skill in (("a", 0.7), ("b", 0.3)))


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.slow
def test_subgroups(capsys: pytest.CaptureFixture[str], runs: tuple[RunFolder, RunFolder]) -> None:
    code, out, _ = run_cli(capsys, "subgroups", runs[0].path, "--json")
    report, n = json.loads(out), runs[0].read_metrics()["n"]
    assert code == 0
    assert report["overall"]["trials"] == n
    for grouping in ("trial_number", "training_status", "cohort", "resolution", "length"):
        assert sum(group["trials"] for group in report["groups"] if group["grouping"] == grouping) == n
    code, out, _ = run_cli(capsys, "subgroups", runs[0].path)
    assert code == 0
    assert "Training status" in out
    assert "64x48" in out


def test_compare(capsys: pytest.CaptureFixture[str], runs: tuple[RunFolder, RunFolder]) -> None:
    code, out, _ = run_cli(capsys, "compare", runs[0].path, runs[1].path, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(compare_runs(*runs).as_dict()))
    assert run_cli(capsys, "compare", runs[0].path, runs[1].path)[1].strip() == comparison_text(compare_runs(*runs))


def test_similar(capsys: pytest.CaptureFixture[str], runs: tuple[RunFolder, RunFolder]) -> None:
    run = runs[0]
    predictions = run.read_predictions()
    chance, config = np.random.default_rng(0), run.read_config()
    values = {trial: chance.normal(size=(config.clip.test_clips, 2, 4)) for trial in predictions["trial_id"]}
    first, second = predictions["trial_id"][[3, 8]]
    values[second] = values[first]
    write_features(run.open_dataset(), config, values)
    code, out, _ = run_cli(capsys, "similar", run.path, first, "--count", 3, "--json")
    found = json.loads(out)
    assert (code, found["trial_id"], found["encoder"], len(found["similar"])) == (0, first, "image", 3)
    assert found["similar"][0]["trial_id"] == second
    assert found["similar"][0]["distance"] == 0
    code, out, _ = run_cli(capsys, "similar", run.path, first)
    assert out.startswith(f"{second}: distance 0.000, ")
    assert out.count("\n") == 5
    code, _, err = run_cli(capsys, "similar", run.path, "S999T1")
    assert code == 2
    assert "S999T1 is no trial of run a" in err


def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, runs: tuple[RunFolder, RunFolder]
) -> None:
    stopped = write_run(tmp_path / "stopped", shared_data_folder, RunState.STOPPED)
    other = write_run(tmp_path / "other", shared_data_folder, seed=1)
    for arguments, message in [
        (("compare", runs[0].path, stopped.path), "stopped has no test results"),
        (("compare", runs[0].path, other.path), "tested on different trials"),
        (("compare", runs[0].path, tmp_path), "is not a run"),
        (("subgroups", stopped.path), "stopped has no test results"),
    ]:
        code, out, err = run_cli(capsys, *arguments)
        assert (code, out) == (2, "")
        assert message in err
