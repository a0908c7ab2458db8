"""What a download contains: no formula, no id where pseudonyms are chosen, nothing for who may not."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from pages.components.downloads import _csv, _made, ids_of
from pages.components.evaluation.results import raw_predictions
from socal_core.access.audit import read_audit
from socal_core.access.permissions import Action
from socal_core.access.server_config import Role
from socal_core.access.users import User
from socal_core.errors import AccessError
from socal_core.runs.files.records import OWNER
from socal_core.workspace import runs_root
from tests.factories import write_outcomes
from tests.made_runs import write_run

FORMULA = "=HYPERLINK(1)"


def test_predictions_for_people_hold_no_formula_and_the_file_stays(data_folder: Path) -> None:
    write_outcomes(data_folder, participant_id=[FORMULA] * 2 + [f"surgeon{number}x" for number in range(18)])
    run = write_run(runs_root() / "run-1", data_folder)
    written = run.predictions_file.read_bytes()
    downloaded = _csv(raw_predictions(run), None)
    assert FORMULA.encode() in written
    assert f"'{FORMULA}".encode() in downloaded
    assert downloaded.replace(f"'{FORMULA}".encode(), FORMULA.encode()) == written, "all else is as in the file"
    assert run.predictions_file.read_bytes() == written


def test_no_id_is_in_what_is_downloaded_with_pseudonyms(data_folder: Path) -> None:
    write_outcomes(data_folder, participant_id=[f"surgeon{number // 2}x" for number in range(20)])
    run = write_run(runs_root() / "run-1", data_folder)
    table = raw_predictions(run)
    downloaded = _csv(table, ids_of(table))
    for name in (*table["trial_id"], *table["participant_id"]):
        assert name.encode() not in downloaded
    found = pd.read_csv(io.BytesIO(downloaded), dtype=str)
    assert found["prob_success"].to_list() == table["prob_success"].to_list()
    assert found.groupby("participant_id").size().to_list() == [2] * 10


def test_who_may_not_download_gets_nothing_and_the_log_says_so(workspace: Path) -> None:
    (workspace / "server.toml").write_text('login = "proxy"\n[roles]\nrosa = "researcher"\n')
    rosa = User("rosa", Role.RESEARCHER)
    assert _made(rosa, Action.EXPORT, lambda: "x", "predictions.csv") == "x"
    (workspace / "server.toml").write_text('login = "proxy"\n[roles]\nrosa = "viewer"\n')
    with pytest.raises(AccessError):  # the page was drawn while she was a researcher
        _made(rosa, Action.EXPORT, lambda: "x", "predictions.csv")
    assert [(line.user, line.result) for line in read_audit()[0]] == [("rosa", "done"), ("rosa", "refused")]


@pytest.mark.parametrize("content", ["", "{", '{"format": 1, "name": 3}', '{"format": 9, "name": "rosa"}'])
def test_a_run_with_a_damaged_owner_belongs_to_nobody(shared_data_folder: Path, content: str) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder)
    assert run.read_owner() is None
    run.write_owner("rosa")
    assert run.read_owner() == "rosa"
    assert json.loads((run.path / OWNER.name).read_text()) == {"format": 1, "name": "rosa"}
    (run.path / OWNER.name).write_text(content)
    assert run.read_owner() is None
