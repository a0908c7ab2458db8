"""What users with different roles see and may do on the pages of a server where they log in."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import session_user
from pages.components.downloads import about_text_in_frames
from pages.components.sidebar import data_picker
from socal_core.access.audit import Entry, read_audit
from socal_core.access.server_config import Role, read_server_config
from socal_core.access.users import User, user_named
from socal_core.dataset.frame_reports import TEXT, write_report
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState, write_status
from socal_core.lifecycle.trash import list_trash, trash
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.workspace import runs_root
from tests.made_runs import write_run
from tests.pages.conftest import PROJECT, OpenPage, text_of
from tests.pages.test_all_runs import choose

LogIn = Callable[[str], None]
ACTING = (
    "Start",
    "Train",
    "Stop",
    "Resume",
    "Delete",
    "Move to",
    "Save",
    "Rename",
    "Restore",
    "Fill",
    "Remove",
    "Compute",
    "Check",
    "Look",
    "Is shifted",
    "Download",
    "Explain",
    "Map",
    "Duplicate",
    "CSV",
    "Run card",
    "Events of",
    "This trial for",
    "Predict",
    "Import",
    "Generate",
)
"""How the labels of buttons begin that change, compute or hand on something."""


@pytest.fixture
def log_in(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> LogIn:
    """Make a user the one who looks at the pages, with the role that `server.toml` gives at that moment."""
    (workspace / "server.toml").write_text(
        'login = "proxy"\n[roles]\nvera = "viewer"\nrosa = "researcher"\nremy = "researcher"\nada = "admin"\n'
    )
    found: dict[str, str] = {}

    def current_user() -> User | None:
        return user_named(found["name"], read_server_config())

    monkeypatch.setattr(session_user, "current_user", current_user)

    def log_in(name: str) -> None:
        found["name"] = name

    return log_in


def give_role(workspace: Path, name: str, role: str) -> None:
    text = (workspace / "server.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(name)]
    (workspace / "server.toml").write_text("\n".join([*lines, f'{name} = "{role}"' if role else ""]))


def enabled(app: AppTest) -> set[str]:
    """The labels of buttons of any kind that do something, and can be pressed."""
    buttons = [*app.button, *app.get("download_button")]
    free = {button.label for button in buttons if not button.proto.disabled}
    return {label for label in free if label.startswith(ACTING)}


def owned(run: RunFolder, name: str) -> RunFolder:
    run.write_owner(name)
    return run


@pytest.fixture
def runs(shared_data_folder: Path) -> list[RunFolder]:
    """Rosa's, which is done, Remy's, which was stopped, and nobody's."""
    return [
        owned(write_run(runs_root() / "run-1", shared_data_folder), "rosa"),
        owned(write_run(runs_root() / "run-2", shared_data_folder, RunState.STOPPED, 2), "remy"),
        write_run(runs_root() / "run-3", shared_data_folder, RunState.STOPPED, 2),
    ]


def audited() -> list[tuple[str, str, str, str]]:
    return [(line.user, line.action, line.what, line.result) for line in read_audit()[0]]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["training", "evaluation", "trial_viewer", "dataset"])
def test_a_viewer_only_looks(
    open_page: OpenPage, log_in: LogIn, shared_data_folder: Path, runs: list[RunFolder], page: str
) -> None:
    log_in("rosa")
    app = open_page(page, shared_data_folder)
    if page == "training":
        choose(app, "run-1")
    assert not app.exception
    assert enabled(app), "a researcher acts on this page"
    log_in("vera")
    app = open_page(page, shared_data_folder)
    if page == "training":
        choose(app, "run-1", "run-2")
    if page == "dataset":
        app.segmented_control[0].set_value("Problems").run()
    assert not app.exception
    assert not app.error
    assert enabled(app) == set()


@pytest.mark.slow
def test_a_researcher_acts_on_the_own_runs(
    open_page: OpenPage, log_in: LogIn, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    log_in("remy")
    app = choose(open_page("training", shared_data_folder), "run-2")
    assert {"Resume", "Move to the trash", "Duplicate with changes"} <= enabled(app)
    app.button(key="delete-runs").click().run()
    assert [entry.name for entry in list_trash(runs_root())] == ["run-2"]
    assert {"Restore run-2", "Delete permanently"} <= enabled(app)
    assert ("remy", "delete run", "run-2", "done") in audited()
    choose(app, "run-3")
    assert app.button(key="resume-runs").disabled, "a run of nobody is left to admins"
    log_in("rosa")
    assert "Restore run-2" not in enabled(open_page("training", shared_data_folder))
    log_in("ada")
    app = choose(open_page("training", shared_data_folder), "run-3")
    assert {"Resume", "Restore run-2"} <= enabled(app)


def test_a_button_of_an_old_page_is_refused(
    open_page: OpenPage, log_in: LogIn, workspace: Path, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    log_in("remy")
    app = choose(open_page("training", shared_data_folder), "run-2")
    give_role(workspace, "remy", "viewer")
    app.button(key="delete-runs").click().run()
    assert "Your role is viewer" in text_of(app)
    assert runs[1].config_file.is_file()
    give_role(workspace, "remy", "researcher")
    app = choose(open_page("training", shared_data_folder), "run-2")
    give_role(workspace, "remy", "")
    app.button(key="delete-runs").click().run()
    assert runs[1].config_file.is_file()
    assert [line[3] for line in audited() if line[1] == "delete run"] == ["refused", "refused"]
    assert audited()[-1][0] == ""


@pytest.mark.slow
def test_the_stop_of_an_old_page_is_refused(
    open_page: OpenPage, log_in: LogIn, workspace: Path, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    run = runs[1]
    lock = take_lock(run.lock_file, run.name)
    write_status(run, RunState.RUNNING)
    try:
        log_in("remy")
        app = open_page("training", shared_data_folder)
        app.selectbox(key="run-training").set_value("run-2").run()
        assert not app.button(key="stop").disabled
        log_in("rosa")
        app.button(key="stop").click().run()
        assert not run.stop_file.exists()
        assert "Only who started it and admins may stop runs" in text_of(app)
        assert app.button(key="stop").disabled
        log_in("remy")
        app.run()
        app.button(key="stop").click().run()
        assert run.stop_file.exists()
    finally:
        os.close(lock)


@pytest.mark.slow
def test_two_people_delete_the_same_run(
    open_page: OpenPage, log_in: LogIn, shared_data_folder: Path, runs: list[RunFolder]
) -> None:
    log_in("ada")
    app = choose(open_page("training", shared_data_folder), "run-2")
    trash(runs[1])  # by somebody else, in between
    app.button(key="delete-runs").click().run()
    assert not app.exception
    assert "no longer exists" in text_of(app)
    assert [entry.name for entry in list_trash(runs_root())] == ["run-2"]
    assert "delete run" not in {action for _, action, _, _ in audited()}


@pytest.mark.slow
def test_a_started_run_has_an_owner(
    open_page: OpenPage, log_in: LogIn, shared_data_folder: Path, workspace: Path
) -> None:
    with (workspace / "server.toml").open("a") as file:
        file.write("[quotas]\nqueued_runs_per_user = 1\n")
    log_in("rosa")
    app = open_page("training", shared_data_folder)
    (start,) = [button for button in app.button if button.label == "Start training"]
    start.click().run()
    (run,) = list_runs(runs_root())
    try:
        assert run.read_owner() == "rosa"
        assert ("rosa", "start run", run.name, "done") in audited()
        app = open_page("training", shared_data_folder)
        (start,) = [button for button in app.button if button.label == "Start training"]
        start.click().run()
        assert "this server allows 1 per user" in text_of(app)
        assert len(list_runs(runs_root())) == 1
    finally:
        run.stop_file.touch()


def test_each_user_has_the_own_data_folder_and_reading(
    open_page: OpenPage, log_in: LogIn, workspace: Path, shared_data_folder: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(shared_data_folder, tmp_path / "other"))
    log_in("rosa")
    app = open_page("app", shared_data_folder)
    (field,) = [field for field in app.sidebar.text_input if field.label == "Data folder"]
    field.set_value(str(other))
    (opens,) = [button for button in app.sidebar.button if button.label == "Open folder"]
    opens.click().run()
    assert f"**{other.name}**" in text_of(app)
    log_in("vera")
    assert f"**{other.name}**" not in text_of(open_page("app", shared_data_folder))
    log_in("rosa")
    assert f"**{other.name}**" in text_of(open_page("app", shared_data_folder))
    kept = json.loads((workspace / "settings.json").read_text())
    assert set(kept) == {"users"}
    assert set(kept["users"]) == {"rosa"}
    assert ("rosa", "open data", str(other), "done") in audited()


@pytest.mark.slow
def test_reading_a_folder_again_changes_nothing_for_others(
    open_page: OpenPage, log_in: LogIn, data_folder: Path
) -> None:
    log_in("rosa")
    mine = open_page("app", data_folder)
    log_in("vera")
    theirs = AppTest.from_file(PROJECT / "app.py", default_timeout=60).run()
    opened = data_picker._opened(*arguments(data_folder), "")
    log_in("rosa")
    (again,) = [button for button in mine.sidebar.button if button.label == "Read the folder again"]
    again.click().run()
    mine_again = data_picker._opened(*arguments(data_folder), mine.session_state[data_picker._READ])
    assert mine_again is not opened
    assert data_picker._opened(*arguments(data_folder), "") is opened, "theirs stays as it was opened"
    assert data_picker._READ not in theirs.session_state


def arguments(folder: Path) -> tuple[str, data_picker.Fingerprint, OpenOptions]:
    return str(folder), data_picker.fingerprint(folder), OpenOptions()


def test_with_data_roots_folders_are_browsed(
    open_page: OpenPage, log_in: LogIn, workspace: Path, shared_data_folder: Path, data_folder: Path
) -> None:
    text = (workspace / "server.toml").read_text()
    (workspace / "server.toml").write_text(f'data_roots = ["{data_folder.parent}"]\n{text}')
    log_in("vera")
    app = open_page("app", shared_data_folder)
    assert "outside of the folders that this server opens" in text_of(app)
    assert str(shared_data_folder) not in text_of(app)
    assert not [field for field in app.sidebar.text_input if field.label == "Data folder"]
    (field,) = [field for field in app.sidebar.selectbox if field.label == "Data folder"]
    assert field.options == [data_folder.name]
    field.set_value(data_folder.name).run()
    (opens,) = [button for button in app.sidebar.button if button.label == "Open folder"]
    opens.click().run()
    assert not app.exception
    assert f"**{data_folder.name}**" in text_of(app)
    assert "outside of the folders" not in text_of(app)


@pytest.mark.slow
def test_only_admins_see_the_administration_page(open_page: OpenPage, log_in: LogIn, shared_data_folder: Path) -> None:
    log_in("vera")
    app = open_page("administration", shared_data_folder)
    assert "it takes the role admin to see who did what" in text_of(app)
    assert not app.dataframe
    log_in("ada")
    app = open_page("administration", shared_data_folder)
    table = app.dataframe[0].value
    assert set(table["User"]) == {"vera", "ada"}
    assert table["Result"].to_list().count("refused") == 1


def test_on_a_laptop_nothing_is_in_the_way(open_page: OpenPage, shared_data_folder: Path, workspace: Path) -> None:
    write_run(runs_root() / "run-1", shared_data_folder)
    app = choose(open_page("training", shared_data_folder), "run-1")
    assert {"Start training", "Move to the trash", "Duplicate with changes"} <= enabled(app)
    assert [field.label for field in app.sidebar.text_input if field.label == "Data folder"]
    app.button(key="delete-runs").click().run()
    assert [entry.name for entry in list_trash(runs_root())] == ["run-1"]
    assert read_audit()[0][-1] == Entry(
        read_audit()[0][-1].time, session_user.current_user().name, "delete run", "run-1", "done"
    )
    assert session_user.current_user().role is Role.ADMIN


def test_what_is_known_of_text_in_frames_is_said(shared_data_folder: Path, workspace: Path) -> None:
    fingerprint = open_dataset(shared_data_folder).fingerprint
    assert "were not checked" in about_text_in_frames(None)
    assert "were not checked" in about_text_in_frames(fingerprint)
    counts = {"frames": 60, "trials": 20, "unreadable": 0}
    write_report(fingerprint, TEXT, {**counts, "texts": []})
    assert "No text was found in 60 frames" in about_text_in_frames(fingerprint)
