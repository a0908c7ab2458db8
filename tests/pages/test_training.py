import os
from pathlib import Path

import pytest

from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.run_queue import enter
from socal_core.lifecycle.state import RunState, read_status, write_status
from socal_core.runs.events import EventLog
from socal_core.runs.run_list import list_runs
from socal_core.settings import PRETRAINED, SETTINGS, TINY, default_config
from socal_core.workspace import runs_root
from tests.factories import write_dataset
from tests.made_runs import write_events, write_run
from tests.pages.conftest import OpenPage, as_read, fine_tuning, text_of

OWN_WIDGETS = {"model", "window", "trials"}


def setting(app, name: str):
    """Return the widget of a setting of any kind."""
    kinds = (*app.sidebar.number_input, *app.sidebar.selectbox, *app.sidebar.toggle, *app.sidebar.text_input)
    return next(widget for widget in (*kinds, *app.sidebar.radio) if widget.key == f"setting-{name}")


def button(app, label: str):
    return next(button for button in app.button if button.label == label)


def test_every_setting_is_in_the_sidebar_with_help_and_default(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    values = default_config(TINY).as_dict()
    for item in SETTINGS.values():
        if item.name not in OWN_WIDGETS and item.applies(values):
            widget = setting(app, item.name)
            assert widget.value == values[item.name], item.name
            assert widget.help == item.help, item.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("switch", "hidden", "left"),
    [
        ("use_lr_scheduler", {"scheduler_patience", "scheduler_factor"}, {"early_stopping_patience"}),
        ("use_early_stopping", {"early_stopping_patience"}, {"scheduler_patience", "scheduler_factor"}),
    ],
)
def test_the_form_hides_what_is_switched_off(
    open_page: OpenPage, shared_data_folder: Path, switch: str, hidden: set[str], left: set[str]
) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, switch).set_value(False).run()
    assert not app.exception
    keys = {str(widget.key).removeprefix("setting-") for widget in app.sidebar.number_input}
    assert left <= keys
    assert not hidden & keys
    assert setting(app, switch).value is False


@pytest.mark.slow
def test_a_change_of_model_brings_its_defaults(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, "model_choice").set_value(PRETRAINED).run()
    assert setting(app, "learning_rate").value == default_config(PRETRAINED).optimization.learning_rate
    assert "Its weights are not on this machine" in text_of(app)
    setting(app, "model_choice").set_value(TINY).run()
    assert setting(app, "recipe").value == "frozen"
    assert setting(fine_tuning(app), "learning_rate").value == default_config(TINY).optimization.learning_rate


def test_the_licence_is_shown_and_must_be_accepted_before_a_download(
    open_page: OpenPage, shared_data_folder: Path
) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, "model_choice").set_value(PRETRAINED).run()
    assert "Licence: CC BY-NC 4.0" in text_of(app)
    setting(app, "allow_download").set_value(True).run()
    assert "licence_accepted: must be true to download" in text_of(app)
    setting(app, "licence_accepted").set_value(True).run()
    assert "licence_accepted: must be true" not in text_of(app)


def test_augmentation_and_reading_open_when_asked(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    groups = {group.label: group for group in app.sidebar.expander}
    assert {name for name, group in groups.items() if not group.proto.expanded} >= {"Augmentation", "Machine"}
    labels = {name: [item.label for item in (*groups[name].number_input, *groups[name].toggle)] for name in groups}
    saving = {"Accumulation steps", "Gradient checkpointing", "Compile the model"}
    assert set(labels["Machine"]) == {"Scaled JPEG decoding", "Reading threads", "GPUs", "Restarts"} | saving
    assert {"RandAugment strength", "RandAugment steps", "Mixup alpha", "CutMix alpha"} <= set(labels["Augmentation"])
    widgets = (*app.sidebar.number_input, *app.sidebar.selectbox, *app.sidebar.toggle, *app.sidebar.text_input)
    names = [widget.label for widget in widgets if str(widget.key).startswith("setting-")]
    assert max(map(len, names)) <= 25, "a label stands in one line of the sidebar"


@pytest.mark.slow
def test_the_stride_is_asked_for_dense_clips_only(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    for sampling, asked in [("uniform", False), ("dense", True), ("segments", False), ("dense", True)]:
        setting(app, "sampling").set_value(sampling).run()
        assert not app.exception
        assert ("setting-stride" in {widget.key for widget in app.sidebar.number_input}) is asked
        if asked:
            setting(app, "stride").set_value(9).run()
    setting(app, "sampling").set_value("uniform").run()
    setting(app, "sampling").set_value("dense").run()
    assert setting(app, "stride").value == 9, "what was typed stays"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_frames", 15, "num_frames: must be even"),
        ("test_fraction", 0.95, "test_fraction"),
    ],
)
def test_a_refused_setting_is_named_and_nothing_can_start(
    open_page: OpenPage, shared_data_folder: Path, name: str, value: float, message: str
) -> None:
    app = open_page("training", shared_data_folder)
    if name == "test_fraction":
        setting(app, "validation_fraction").set_value(0.5)
        value = 0.6
    setting(app, name).set_value(value).run()
    assert any(message in as_read(error.value) for error in app.sidebar.error)
    assert "Start training" not in {button.label for button in app.button}
    assert not app.exception


def test_another_model_needs_a_name(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "model_choice").set_value("other").run()
    assert any(error.value.startswith("model: ") for error in app.sidebar.error)
    setting(app, "model_other").set_value("owner/name").run()
    assert not app.sidebar.error


def test_frames_that_another_model_would_ignore_are_refused(
    open_page: OpenPage, shared_data_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"tubelet_size": 3}')
    app = open_page("training", shared_data_folder)
    setting(app, "model_choice").set_value("other").run()
    setting(app, "model_other").set_value(str(tmp_path)).run()
    assert any("num_frames: must be a multiple of 3" in as_read(error.value) for error in app.sidebar.error)
    setting(app, "num_frames").set_value(15).run()
    assert not app.sidebar.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("choice", "warned"), [("0:60", False), ("whole", True), ("all but last", False), ("other", True)]
)
def test_a_window_that_shows_the_end_is_called_recognition(
    open_page: OpenPage, tmp_path: Path, choice: str, warned: bool
) -> None:
    """Trials of 70 s: the end is in view in the whole trial, and just as well in seconds 0 to 120."""
    app = open_page("training", write_dataset(tmp_path / "data", surgeons=4, frames=70, size=(16, 16)))
    setting(app, "window_choice").set_value(choice).run()
    assert any("Recognition, not prediction" in warning.value for warning in app.warning) is warned


def test_a_shorter_window_is_recommended_where_the_first_minute_shows_the_end(
    open_page: OpenPage, tmp_path: Path
) -> None:
    app = open_page("training", write_dataset(tmp_path / "data", surgeons=4, frames=38, size=(16, 16)))
    [text] = [warning.value for warning in app.warning if "Recognition" in warning.value]
    assert "*First 30 s*" in text
    assert "First 60 s" not in text
    setting(app, "window_choice").set_value("other").run()
    setting(app, "To second").set_value(30).run()
    assert not any("Recognition" in warning.value for warning in app.warning)


def test_a_window_behind_the_end_of_trials_is_warned_of(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Trials of 12 s."""
    app = open_page("training", shared_data_folder)
    assert not any("no frame in this window" in warning.value for warning in app.warning)
    setting(app, "window_choice").set_value("all but last").run()
    assert not any("no frame in this window" in warning.value for warning in app.warning)
    setting(app, "Seconds left out").set_value(12).run()
    assert "20 trials have no frame in this window and will be left out." in {w.value for w in app.warning}


def test_another_model_keeps_the_split(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, "test_fraction").set_value(0.3).run()
    setting(app, "batch_size").set_value(3).run()
    setting(app, "model_choice").set_value(PRETRAINED).run()
    assert setting(app, "test_fraction").value == 0.3
    assert setting(app, "batch_size").value == default_config(PRETRAINED).optimization.batch_size


def test_a_window_of_its_own_must_have_a_length(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "window_choice").set_value("other").run()
    assert not app.sidebar.error
    setting(app, "From second").set_value(200).run()
    assert any(error.value.startswith("window: ") for error in app.sidebar.error)


@pytest.mark.slow
def test_the_last_seconds_can_be_left_out(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    app = open_page("training", shared_data_folder)
    setting(app, "window_choice").set_value("all but last").run()
    left_out = setting(app, "Seconds left out")
    assert (left_out.value, left_out.min) == (10, 1)
    button(app, "Start training").click().run()
    setting(app, "Seconds left out").set_value(11).run()
    button(app, "Start training").click().run()
    assert not app.exception
    assert {run.read_config().clip.window for run in list_runs(runs_root())} == {"0:-11", "0:-10"}
    [table] = [item.value for item in app.dataframe if "Window" in item.value]
    assert "all but the last 11 s" in set(table["Window"])


def test_the_split_is_described_before_the_start(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    text = text_of(app)
    assert "12 trials of 6 surgeons" in text
    assert text.count("4 trials of 2 surgeons,") == 2
    assert "**0** surgeons have trials in more than one subset" in text


def test_data_that_cannot_be_split_cannot_be_trained_on(open_page: OpenPage, tmp_path: Path) -> None:
    from tests.factories import write_dataset

    app = open_page("training", write_dataset(tmp_path / "two", surgeons=2, frames=2))
    assert any("at least 3" in error.value for error in app.error)
    assert button(app, "Start training").disabled


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.FAILED, RunState.RUNNING])
def test_a_run_that_ended_early_shows_why_and_can_be_resumed(
    open_page: OpenPage, shared_data_folder: Path, state: RunState
) -> None:
    """`running` without a living worker is an interrupted run: it is never shown as alive."""
    run = write_run(runs_root() / "run-1", shared_data_folder, state)
    app = open_page("training", shared_data_folder)
    shown = {message.value for message in (*app.info, *app.error)}
    assert read_status(run).reason in shown
    assert button(app, "Resume")
    assert "Stop" not in {button.label for button in app.button}
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.parametrize(("waits", "text"), [(True, "Waiting: number 1 in the queue"), (False, "Starting")])
def test_a_resumed_run_that_has_not_begun_shows_nothing_of_the_earlier_start(
    open_page: OpenPage, shared_data_folder: Path, waits: bool, text: str
) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.QUEUED, epochs=3)
    lock = take_lock(run.lock_file, run.name)
    try:
        if waits:
            enter(run)
        assert open_page("training", shared_data_folder).get("progress")[0].proto.text == text
    finally:
        os.close(lock)


def test_a_living_run_shows_its_progress_and_can_be_stopped(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.RUNNING, epochs=3)
    lock = take_lock(run.lock_file, run.name)
    try:
        app = open_page("training", shared_data_folder)
        assert app.get("progress")[0].proto.text.startswith("Epoch 3 of 40 done")
        tiles = {metric.label: metric.value for metric in app.metric}
        assert (tiles["Epoch"], tiles["Data wait"]) == ("3 of 40", "3%")
        assert "Resume" not in {button.label for button in app.button}
        button(app, "Stop").click().run()
        assert run.stop_file.exists()
        assert button(app, "Stopping").disabled
    finally:
        os.close(lock)
    write_status(run, RunState.STOPPED, "Stopped by the user. It can be resumed.")
    assert "Stopped by the user" in text_of(app.run())


def test_new_events_reach_the_page(open_page: OpenPage, shared_data_folder: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.RUNNING, epochs=1)
    lock = take_lock(run.lock_file, run.name)
    try:
        app = open_page("training", shared_data_folder)
        EventLog(run.events_file).append("notice", message="The learning rate falls.")
        write_events(run, epochs=4, of=40)
        app.run()
        assert app.get("progress")[0].proto.text.startswith("Epoch 4 of 40")
        assert "The learning rate falls." in text_of(app)
    finally:
        os.close(lock)


def test_a_chosen_run_stays_chosen(open_page: OpenPage, shared_data_folder: Path) -> None:
    for name in ("run-1", "run-2"):
        write_run(runs_root() / name, shared_data_folder)
    app = open_page("training", shared_data_folder)
    assert app.selectbox(key="run-training").value == "run-2"
    app.selectbox(key="run-training").set_value("run-1").run()
    assert app.query_params["run"] == "run-1"
    app.switch_page("pages/evaluation.py").run()
    assert app.selectbox(key="run-evaluation").value == "run-1"


@pytest.mark.slow
def test_each_start_makes_a_run_of_its_own(
    open_page: OpenPage, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a Python that ends at once in place of the worker's: what a real worker does is tested in the browser."""
    monkeypatch.setattr("sys.executable", "/bin/true")
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, "learning_rate").set_value(2e-4).run()
    for _ in range(2):
        button(app, "Start training").click().run()
        assert not app.exception
    runs = list_runs(runs_root())
    assert len(runs) == 2
    assert {run.read_config().optimization.learning_rate for run in runs} == {2e-4}
    assert {run.read_data() for run in runs} == {shared_data_folder.resolve()}
    assert app.selectbox(key="run-training").value == runs[0].name


def test_a_run_at_work_cannot_be_resumed_twice(open_page: OpenPage, shared_data_folder: Path) -> None:
    """Two tabs: the other one has just resumed the run."""
    run = write_run(runs_root() / "run-1", shared_data_folder, RunState.STOPPED)
    app = open_page("training", shared_data_folder)
    lock = take_lock(run.lock_file, run.name)
    try:
        button(app, "Resume").click().run()
        assert not app.exception
        assert button(app, "Stop")
    finally:
        os.close(lock)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("surgeon", {"validation_fraction", "test_fraction"}),
        ("socal20", {"validation_fraction"}),
        ("column", {"validation_fraction", "split_column", "split_value"}),
        ("k-fold", {"validation_fraction", "folds", "fold"}),
        ("random", {"validation_fraction", "test_fraction"}),
    ],
)
def test_only_what_the_split_needs_is_asked(
    open_page: OpenPage, shared_data_folder: Path, method: str, shown: set[str]
) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "split_method").set_value(method).run()
    assert not app.exception
    names = {"validation_fraction", "test_fraction", "split_column", "split_value", "folds", "fold"}
    widgets = (*app.sidebar.number_input, *app.sidebar.selectbox, *app.sidebar.text_input)
    assert {name for name in names if f"setting-{name}" in {widget.key for widget in widgets}} == shown
    assert any("in more than one subset" in warning.value for warning in app.warning) is (method == "random")


def test_a_cohort_is_left_out_from_the_form(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("training", shared_data_folder)
    setting(app, "split_method").set_value("column").run()
    assert any(as_read(error.value).startswith("split_value: ") for error in app.sidebar.error)
    setting(app, "split_column").set_value("training_status").run()
    setting(app, "split_value").set_value("Trainee").run()
    assert "The test subset is the chosen group" in text_of(app)
    assert "8 trials of 4 surgeons" in text_of(app)
    setting(app, "split_method").set_value("surgeon").run()
    assert not app.sidebar.error
    setting(app, "split_method").set_value("column").run()
    assert setting(app, "split_value").value == "Trainee", "what was typed stays"


def test_the_command_line_starts_the_run_of_the_form(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = fine_tuning(open_page("training", shared_data_folder))
    setting(app, "num_epochs").set_value(7).run()
    (command,) = [code.value for code in app.code if code.value.startswith("socal train")]
    assert f"socal train {shared_data_folder.resolve()} --run {runs_root()}/run-" in command
    assert command.endswith("--set model=tiny --set recipe=finetune --set num_epochs=7")
    setting(app, "gpus").set_value(2).run()
    setting(app, "split_method").set_value("k-fold").run()
    assert not app.exception
    commands = [code.value for code in app.code if " --run " in code.value]
    assert [command.split()[0] for command in commands] == ["socal", "torchrun", "socal"]
    assert "--nproc-per-node=2 --module -- socal_core train" in commands[1]
    assert "socal cv" in commands[2] and "--folds 5" in commands[2] and "split_method" not in commands[2]
