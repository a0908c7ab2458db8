"""The target of a new run on the Training page, and runs of several targets side by side."""

import json
import os
from pathlib import Path

import pytest

from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.state import RunState
from socal_core.runs.run_list import list_runs
from socal_core.workspace import runs_root
from tests.factories import write_outcomes
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, as_read, fine_tuning, metrics_of, text_of
from tests.pages.target_runs import HOSTILE, write_outcome_data, write_target_run
from tests.pages.test_all_runs import charts, choose, table


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_outcome_data(tmp_path / "data")


def predict(app, column: str):
    return app.sidebar.selectbox(key="setting-target").set_value(column).run()


def cards(app) -> list[str]:
    """The texts of the three subsets."""
    return [
        as_read(item.value) for item in app.markdown if item.value.startswith("**T") or "Validation**" in item.value
    ]


@pytest.mark.slow
def test_the_form_offers_every_outcome_with_its_name(open_page: OpenPage, data: Path) -> None:
    app = open_page("training", data)
    widget = app.sidebar.selectbox(key="setting-target")
    assert (widget.label, widget.value) == ("Predict", "success")
    assert {"Outcome (success)", "Blood loss (mL)", "Time to haemostasis (s)", "grade", "notes"} <= set(widget.options)


@pytest.mark.slow
def test_a_number_shows_median_range_and_what_is_left_out(open_page: OpenPage, data: Path) -> None:
    app = predict(open_page("training", data), "blood_loss")
    assert not app.exception
    text = text_of(app)
    assert "2 of 22 trials have no blood loss and are left out." in text
    assert "successes" not in "".join(cards(app))
    assert "median " in cards(app)[0]
    assert " mL" in cards(app)[0]
    assert "Look for leaks in this split" not in {toggle.label for toggle in app.toggle}
    assert any(button.label == "Start training" and not button.disabled for button in app.button)


def test_classes_are_counted_in_each_subset(open_page: OpenPage, data: Path) -> None:
    app = predict(open_page("training", data), "grade")
    counted = [sum(int(word) for word in card.replace(",", " ").split() if word.isdigit()) for card in cards(app)]
    assert all("low" in card and "middle" in card for card in cards(app))
    assert sum(counted) == 22 + 11 + 22, "trials, surgeons, and trials by class"
    assert "left out" not in text_of(app)


@pytest.mark.slow
def test_the_choice_outlives_the_page_and_reaches_the_run(
    open_page: OpenPage, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socal_core.lifecycle.launch.start", lambda run, resume=False: None)
    app = predict(open_page("training", data), "grade")
    app.sidebar.selectbox(key="setting-recipe").set_value("finetune").run()
    app.switch_page("pages/dataset.py").run()
    app.switch_page("pages/training.py").run()
    assert app.sidebar.selectbox(key="setting-target").value == "grade"
    next(button for button in app.button if button.label == "Start training").click().run()
    (run,) = list_runs(runs_root())
    assert run.read_config().model.target == "grade"


@pytest.mark.slow
@pytest.mark.parametrize(("column", "message"), [("notes", "at most 20 different texts"), ("tth", "must differ")])
def test_a_column_that_cannot_be_predicted_is_refused_at_the_form(
    open_page: OpenPage, data: Path, column: str, message: str
) -> None:
    app = predict(open_page("training", data), column)
    assert not app.exception
    assert any("target" in as_read(error.value) and message in as_read(error.value) for error in app.sidebar.error)
    assert "Start training" not in {button.label for button in app.button}


def open_folder(app, folder: Path):
    field = next(item for item in app.sidebar.text_input if item.label == "Data folder")
    field.set_value(str(folder))
    return next(button for button in app.sidebar.button if button.label == "Open folder").click().run()


@pytest.mark.slow
def test_other_data_without_the_column_bring_success_and_say_so(
    open_page: OpenPage, data: Path, shared_data_folder: Path
) -> None:
    app = open_folder(predict(open_page("training", data), "grade"), shared_data_folder)
    assert not app.exception
    assert app.sidebar.selectbox(key="setting-target").value == "success"
    assert "These data have no column *grade*." in text_of(app)
    fine_tuning(app)
    assert "These data have no column *grade*." in text_of(app), "until another choice is made"
    app = open_folder(app, data)
    assert app.sidebar.selectbox(key="setting-target").value == "grade", "the choice comes back with the data"
    assert "These data have no column" not in text_of(app)


@pytest.mark.slow
def test_names_of_classes_are_shown_as_they_are(open_page: OpenPage, tmp_path: Path) -> None:
    data = write_outcome_data(tmp_path / "data", HOSTILE)
    write_outcomes(data, **{"[x](https://outside.example)": ["low"] * 20 + HOSTILE[1:2] * 2})
    app = predict(open_page("training", data), "grade")
    text = text_of(app)
    assert "<script>alert(1)…" in text or "<script>alert(1)</s…" in text
    assert "**bold** [link](htt…" in text
    assert "x" * 30 not in text
    raw = "".join(item.value for item in (*app.markdown, *app.warning, *app.error, *app.caption))
    assert "<script>" not in raw
    assert "**bold**" not in raw
    app = predict(app, "[x](https://outside.example)")
    assert not app.exception
    raw = "".join(item.value for item in (*app.markdown, *app.warning, *app.error, *app.caption))
    assert "(https://outside.example)" not in raw


@pytest.mark.slow
def test_the_table_of_runs_names_what_differs_and_the_error(open_page: OpenPage, data: Path) -> None:
    number = write_target_run(runs_root() / "run-1", data, "blood_loss")
    grade = write_target_run(runs_root() / "run-2", data, "grade")
    write_run(runs_root() / "run-3", data, RunState.STOPPED)
    metrics = number.read_metrics()
    metrics["scores"]["rmse"], metrics["intervals"]["rmse"] = 312.4, (250.0, 1250.0)
    number.write_metrics(metrics)
    rows = table(open_page("training", data))
    named = {"run-1": "Blood loss (mL)", "run-2": "grade", "run-3": "Outcome"}
    assert rows["Predicts"].to_dict() == named
    assert rows.loc["run-1", "Test RMSE"] == "312 mL (250–1,250)"
    assert rows.loc["run-1", ["Test AUROC", "Test accuracy"]].isna().all()
    assert rows.loc["run-2", "Test accuracy"].startswith(f"{grade.read_metrics()['scores']['accuracy']:.2f}")


@pytest.mark.slow
def test_the_table_of_runs_of_success_has_neither_column(open_page: OpenPage, data: Path) -> None:
    write_run(runs_root() / "run-1", data)
    assert not {"Predicts", "Test RMSE"} & set(table(open_page("training", data)))


@pytest.mark.slow
def test_curves_are_compared_within_a_target_only(open_page: OpenPage, data: Path) -> None:
    for name, column in (("run-1", "blood_loss"), ("run-2", "blood_loss"), ("run-3", "grade")):
        write_target_run(runs_root() / name, data, column)
    app = open_page("training", data)
    choose(app, "run-1", "run-2")
    assert {"compare-loss", "compare-error"} <= charts(app)
    choose(app, "run-1", "run-3")
    assert not app.exception
    assert not {"compare-loss", "compare-error", "compare-auroc"} & charts(app)
    assert "These runs predict Blood loss (mL) and grade, so their curves cannot be compared." in text_of(app)


FEW = " (no intervals: too few surgeons)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "tile", "title"),
    [
        (
            "blood_loss",
            ("Validation RMSE", "133 mL"),
            "Error on the validation trials (no intervals: too few surgeons)",
        ),
        ("grade", ("Validation accuracy", "0.70"), "On the validation trials" + FEW),
    ],
)
def test_the_live_view_shows_the_score_of_the_target(
    open_page: OpenPage, data: Path, column: str, tile: tuple[str, str], title: str
) -> None:
    run = write_target_run(runs_root() / "run-1", data, column, RunState.RUNNING)
    lock = take_lock(run.lock_file, run.name)
    try:
        app = open_page("training", data)
    finally:
        os.close(lock)
    assert not app.exception
    assert metrics_of(app)[tile[0]] == tile[1]
    specs = [json.loads(item.proto.spec) for item in app.get("plotly_chart")[:3]]
    assert title in [spec["layout"]["title"]["text"] for spec in specs]


@pytest.mark.slow
def test_a_run_that_waits_is_listed_with_the_column_of_its_settings(open_page: OpenPage, data: Path) -> None:
    run = write_target_run(runs_root() / "run-1", data, "blood_loss", RunState.STOPPED)
    run.target_file.unlink()
    write_run(runs_root() / "run-2", data)
    rows = table(open_page("training", data))
    assert rows["Predicts"].to_dict() == {"run-1": "blood_loss", "run-2": "Outcome"}
