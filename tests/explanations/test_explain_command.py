"""The command `explain`, with and without the attention map."""

import json
from pathlib import Path

import pytest

from socal_core.cli import main
from socal_core.errors import RunError
from socal_core.explanations import faithfulness
from socal_core.explanations.attention import attention_map, reason_of_run
from socal_core.lifecycle.state import RunState
from socal_core.training.worker import work
from tests.factories import write_dataset
from tests.made_runs import write_run
from tests.training.small_runs import new_run


@pytest.mark.slow
def test_the_attention_is_mapped_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faithfulness, "SETS", 3)  # what the check finds is tested elsewhere
    monkeypatch.setattr(faithfulness, "RANDOM_MAPS", 1)
    data = write_dataset(tmp_path / "data", surgeons=6, frames=6)
    run = new_run(tmp_path / "run", data, num_epochs=1, test_clips=2)
    assert work(run, resume=False) is RunState.DONE
    command = ["explain", str(run.path), "S100T1", "--out", str(tmp_path / "out"), "--attention", "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["attention"]["steps"]) == 4, "two clips of four frames, two frames a step"
    assert found["attention"]["output"] == pytest.approx(found["output"])
    assert json.loads((tmp_path / "out" / "attention.json").read_text()) == found["attention"]
    assert (tmp_path / "out" / "attention.png").is_file()


def test_a_run_with_frozen_features_says_why_it_has_no_map(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, recipe="frozen", encoder="image")
    assert "regression on the features of frozen encoders" in reason_of_run(run)
    with pytest.raises(RunError, match="has no checkpoint"):
        attention_map(run, "S100T1", lambda *_: None)
