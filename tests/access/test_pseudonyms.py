"""Tables without ids."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from socal_core.access.pseudonyms import FILE, pseudonym_of_trial, pseudonymized
from socal_core.cli import main
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.spreadsheets import csv_for_people
from tests.factories import write_outcomes

TRIALS, SURGEONS = ["S100T1", "S100T10", "miller"], ["drmiller", "drchen"]
TABLE = pd.DataFrame(
    {
        "trial_id": TRIALS,
        "participant_id": ["drmiller", "drchen", ""],
        "frame": ["S100T1_frame_1.jpeg", "S100T10/1.png", "x.png"],
        "message": ["S100T1 and S100T10: no frames", "S100T11 is another", "miller (fine)"],
        "event": ["drchen takes over from drmiller", "bleeding", "S100T1"],
        "note": ["drmiller was tired", "", "S100T10"],
        "Interpretation": ["Names without a trial, such as drmiller2.png", "", ""],
        "Reason": ["No frames by drchen", "", ""],
        "prob_success": [0.1, 0.25, 0.5],
    }
)


def ids_in(text: str) -> list[str]:
    return [name for name in (*TRIALS, *SURGEONS) if re.search(rf"(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])", text)]


def test_no_id_is_left_and_the_rest_is_as_before(workspace: Path) -> None:
    found = pseudonymized(TABLE, TRIALS, SURGEONS)
    assert ids_in(csv_for_people(found)) == []
    assert list(found.columns) == list(TABLE.columns)
    assert found["prob_success"].to_list() == [0.1, 0.25, 0.5]
    assert found["note"].to_list() == found["Interpretation"].to_list() == ["", "", ""]
    assert found["participant_id"][2] == ""
    assert found["message"][1] == "S100T11 is another", "only whole ids are replaced"
    assert found["message"][0] == f"{found['trial_id'][0]} and {found['trial_id'][1]}: no frames"
    assert found["trial_id"].is_unique
    assert found["frame"].is_unique


def test_an_id_has_the_same_pseudonym_everywhere_and_another_in_another_workspace(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pseudonymized(TABLE, TRIALS, SURGEONS)
    again = pseudonymized(TABLE[["trial_id"]].iloc[::-1], TRIALS, SURGEONS)
    assert first["trial_id"].to_dict() == again["trial_id"].to_dict()
    assert pseudonym_of_trial("S100T1") == first["trial_id"][0]
    monkeypatch.setenv("SOCAL_WORKSPACE", str(tmp_path / "other"))
    assert pseudonym_of_trial("S100T1") != first["trial_id"][0]


def test_the_lab_can_look_up_whose_a_pseudonym_is_and_others_cannot(workspace: Path) -> None:
    found = pseudonymized(TABLE, TRIALS, SURGEONS)
    kept = json.loads((workspace / FILE).read_text())["pseudonyms"]
    assert kept["trial"]["S100T10"] == found["trial_id"][1]
    assert kept["surgeon"]["drmiller"] == found["participant_id"][0]
    assert (workspace / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1, "pseudonyms": {}}', '{"pseudonyms": {}}'])
def test_a_damaged_key_is_reported_and_not_replaced(workspace: Path, content: str) -> None:
    (workspace / FILE).write_text(content)
    with pytest.raises(DataError, match="damaged"):
        pseudonym_of_trial("S100T1")
    assert (workspace / FILE).read_text() == content


def test_the_table_of_frames_from_the_command_line(data_folder: Path, tmp_path: Path, workspace: Path) -> None:
    write_outcomes(data_folder, participant_id=[f"surgeon{number // 2}x" for number in range(20)])
    dataset = open_dataset(data_folder)
    out = tmp_path / "frames.csv"
    assert main(["inspect", str(data_folder), "--frames", str(out), "--pseudonymize"]) == 0
    text = out.read_text()
    assert len(text.splitlines()) == 1 + len(dataset.frames)
    assert not [name for name in dataset.trials.index if str(name) in text]
    assert not [name for name in dataset.trials["participant_id"] if str(name) in text]
    assert "jpeg" not in text
