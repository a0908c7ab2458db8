"""What a download contains: no formula, no id where pseudonyms are chosen, nothing for who may not."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from pages.components import run_table
from pages.components.downloads import _csv, _made, ids_of
from pages.components.evaluation.results import raw_predictions
from pages.components.training.settings_form import _check_folder
from pages.components.trial_viewer.new_material import largest_upload_mb
from socal_core.access.audit import read_audit
from socal_core.access.permissions import Action
from socal_core.access.server_config import Role
from socal_core.access.users import User
from socal_core.clips.store import FrameStore
from socal_core.dataset.frame_reports import FOOTAGE, write_report
from socal_core.dataset.opening import open_dataset
from socal_core.errors import AccessError, ConfigError, DataError
from socal_core.fetch.uploads import LARGEST_UPLOAD_MB, receive
from socal_core.lifecycle.state import RunState
from socal_core.runs.files.records import OWNER
from socal_core.runs.notes import RunNotes, write_notes
from socal_core.workspace import runs_root
from tests.factories import write_outcomes
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of

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


def test_with_pseudonyms_the_table_of_runs_lacks_what_users_typed(
    shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, view="of Dr. House")
    write_notes(run, RunNotes("Best of House", "House was tired", ("House",)))
    write_run(runs_root() / "run-2", shared_data_folder)
    table = run_table.table_of(run_table.summaries())
    assert set(run_table.TYPED) <= set(table)
    offered: list[pd.DataFrame] = []
    monkeypatch.setattr(run_table, "download_csv", lambda label, made, name, **_: offered.append(made()))
    for chosen in (False, True):
        monkeypatch.setattr(run_table, "pseudonyms_chosen", lambda chosen=chosen: chosen)
        run_table.download_runs(table)
    named, hidden = (_csv(found, None).decode() for found in offered)
    assert "House" in named
    assert "House" not in hidden
    assert offered[1]["Folder"].to_list() == ["run-2", "run-1"]


@pytest.mark.slow
def test_the_choice_of_pseudonyms_holds_on_all_pages(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder)
    app = open_page("evaluation", shared_data_folder)
    assert "were not checked for burnt-in text" in text_of(app)
    app.toggle(key="pseudonymize-test-trials").set_value(True).run()
    app.switch_page("pages/trial_viewer.py").run()
    assert not app.exception
    assert app.toggle(key="pseudonymize-boxes").value
    cvat = next(button for button in app.get("download_button") if button.key == "trial-cvat")
    assert not cvat.proto.disabled, "its file names the trial by its pseudonym"
    app.toggle(key="pseudonymize-events").set_value(False).run()
    assert not app.toggle(key="pseudonymize-boxes").value


def test_a_user_cannot_upload_more_than_the_quota(workspace: Path, tmp_path: Path) -> None:
    assert largest_upload_mb() == LARGEST_UPLOAD_MB
    (workspace / "server.toml").write_text("[quotas]\nupload_mb = 1\n")
    assert largest_upload_mb() == 1
    with pytest.raises(DataError, match=r"has 2 MB, more than the 1 MB that can be uploaded\. Copy it to the server"):
        receive(io.BytesIO(b""), "clip.mp4", 2_000_000, tmp_path, largest_upload_mb())


def test_a_model_folder_outside_of_the_data_roots_is_refused(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "model").mkdir(parents=True)
    _check_folder(str(tmp_path))
    (workspace / "server.toml").write_text(f'data_roots = ["{tmp_path / "data"}"]\n')
    for model in ("MCG-NJU/videomae-base", str(tmp_path / "data" / "model"), str(runs_root() / "run-1/checkpoints/e")):
        _check_folder(model)
    for model in (str(tmp_path), "/etc", "~/models", "../model", str(tmp_path / "data" / ".." / "x")):
        with pytest.raises(ConfigError, match="below the data roots"):
            _check_folder(model)


def test_settings_folds_and_the_cache_have_buttons(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_cross_validation(runs_root() / "cv", shared_data_folder, done=1, state=RunState.STOPPED)
    with FrameStore(shared_data_folder, {"scaled": False}, (3, 8, 8)).in_use():
        pass
    app = open_page("training", shared_data_folder)
    (toggle,) = [toggle for toggle in app.toggle if toggle.label == "Clip cache"]
    toggle.set_value(True).run()
    assert not app.exception
    offered = {element.key for element in app.get("download_button")}
    assert {"csv-settings", "csv-folds", "csv-cache", "csv-runs"} <= offered


def test_what_is_known_of_text_stands_above_each_table_that_names_trials(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    dataset = open_dataset(shared_data_folder)
    first, second = dataset.usable_trials.index[:2]
    pair = {"trial_id": first, "other": second, "frames": 3, "second": 1.0, "other_second": 2.0, "distance": 0.001}
    write_report(dataset.fingerprint, FOOTAGE, {"pairs": [pair], "frames": 3, "unreadable": 0})
    app = open_page("dataset", shared_data_folder)
    app.segmented_control[0].set_value("Problems").run()
    assert not app.exception
    assert any("were not checked for burnt-in text" in element.value for element in app.caption)
    assert "csv-same-footage" in {element.key for element in app.get("download_button")}
    app.segmented_control[0].set_value("About").run()
    assert not app.exception
    assert {"csv-outcomes", "csv-evidence"} <= {element.key for element in app.get("download_button")}


def test_each_table_of_results_has_a_button(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder)
    metrics = json.loads(run.metrics_file.read_text())
    trial = metrics["trials"][0]["trial_id"]
    run.metrics_file.write_text(json.dumps({**metrics, "left_out": [{"trial_id": trial, "reason": "no frame"}]}))
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert "Trials left out" in text_of(app)
    assert {"csv-scores", "csv-left-out"} <= {element.key for element in app.get("download_button")}
    app = open_page("app", shared_data_folder)
    assert not app.exception
    assert "csv-runs" in {element.key for element in app.get("download_button")}
