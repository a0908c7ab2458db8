"""socal_core.runs.trial_notes"""

from pathlib import Path

import pytest

from socal_core.errors import RunError
from socal_core.runs.files.records import TRIAL_NOTES
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import LONGEST_NOTE
from socal_core.runs.trial_notes import read_trial_notes, write_trial_note
from socal_core.settings import TINY, config_from


@pytest.fixture
def run(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", config_from({}, TINY), shared_data_folder)


def test_notes_are_written_changed_and_deleted(run: RunFolder) -> None:
    assert read_trial_notes(run) == {}
    write_trial_note(run, "S100T1", "  blood on the lens,\nfrom second 12 ")
    write_trial_note(run, "S101T1", "suction blocked")
    assert read_trial_notes(run) == {"S100T1": "blood on the lens,\nfrom second 12", "S101T1": "suction blocked"}
    write_trial_note(run, "S101T1", "suction late")
    write_trial_note(run, "S100T1", " ")
    write_trial_note(run, "S102T1", "")
    assert read_trial_notes(run) == {"S101T1": "suction late"}


def test_what_cannot_be_kept_is_said_and_nothing_is_lost(run: RunFolder) -> None:
    write_trial_note(run, "S100T1", "kept")
    with pytest.raises(RunError, match="at most 2000 characters, got 2001"):
        write_trial_note(run, "S100T1", "x" * (LONGEST_NOTE + 1))
    assert read_trial_notes(run) == {"S100T1": "kept"}
    file = run.path / TRIAL_NOTES.name
    file.write_text('{"notes": {"S100T1": 3}}')
    for action in (lambda: read_trial_notes(run), lambda: write_trial_note(run, "S101T1", "new")):
        with pytest.raises(RunError, match=r"trial_notes.json cannot be read: its field notes.S100T1"):
            action()
    assert file.read_text() == '{"notes": {"S100T1": 3}}'


def test_a_run_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="notes of run gone cannot be written: No such file"):
        write_trial_note(RunFolder(tmp_path / "gone"), "S100T1", "x")
