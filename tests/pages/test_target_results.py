"""The results of runs that predict classes or a number: Evaluation page, Trial viewer, Dataset page."""

from pathlib import Path

import pandas as pd
import pytest

from pages.components.words import plain_text
from socal_core.dataset import layout
from socal_core.dataset.targets import amount
from socal_core.evaluation.target_controls import target_comparison
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.made_target_runs import write_target_cross_validation
from tests.pages.conftest import OpenPage, as_read, metrics_of, text_of
from tests.pages.target_runs import GRADES, HOSTILE, write_outcome_data, write_target_run
from tests.pages.test_trial_viewer import choose_trial


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_outcome_data(tmp_path / "data")


@pytest.fixture
def number(data: Path) -> RunFolder:
    return write_target_run(runs_root() / "run-number", data, "blood_loss")


@pytest.fixture
def grade(data: Path) -> RunFolder:
    return write_target_run(runs_root() / "run-grade", data, "grade")


def charts(app) -> set[str]:
    return {element.key for element in app.get("plotly_chart")}


def tiles(app) -> dict[str, str]:
    return {as_read(label): as_read(value) for label, value in metrics_of(app).items()}


def table_with(app, row: str):
    return next(table.value for table in app.table if row in table.value.index)


@pytest.mark.slow
def test_a_number_is_shown_in_its_unit(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    metrics = number.read_metrics()
    metrics["intervals"]["rmse"] = (50.0, 1250.0)
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.exception
    shown = tiles(app)
    assert shown["RMSE"] == amount(metrics["scores"]["rmse"], "mL")
    assert shown["R²"] == f"{metrics['scores']['r2']:.2f}"
    assert shown["Mean error"] == amount(metrics["scores"]["mean_error"], "mL")
    deltas = {as_read(tile.label): as_read(tile.delta) for tile in app.metric}
    assert deltas.pop("RMSE") == "50 to 1,250 mL"
    assert set(deltas.values()) == {"too few surgeons"}
    assert shown["> 500 mL found"] == f"{metrics['scores']['large_recall']:.2f}"
    assert "> 500 mL found" in [as_read(column) for table in app.table for column in table.value.columns]
    assert "Where none is given, there are too few surgeons for an interval." in text_of(app)
    assert "Not checked yet: whether trials of different subsets show the same footage" in text_of(app)
    text = text_of(app)
    assert "**Prediction** of **Blood loss** (mL) · window: first 60 s" in text
    assert f"**{metrics['n']} test trials**" in text
    assert "One trial has no blood loss and was left out." in text
    assert charts(app) == {"predicted-against-true", "bland-altman"}


@pytest.mark.slow
def test_the_trials_of_a_number_begin_with_the_largest_error(
    open_page: OpenPage, data: Path, number: RunFolder
) -> None:
    table = open_page("evaluation", data).dataframe[0].value
    errors = table["Error (mL)"].abs().to_list()
    assert errors == sorted(errors, reverse=True)
    predictions = number.read_predictions()
    tested = predictions[predictions["split"] == "test"]
    assert errors[0] == pytest.approx((tested["predicted"] - tested["label"]).abs().max())
    assert set(table["Trial"]) == set(tested["trial_id"])


@pytest.mark.slow
def test_classes_have_scores_a_matrix_and_a_table(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    app = open_page("evaluation", data)
    assert not app.exception
    metrics = grade.read_metrics()
    assert tiles(app) == {
        "Accuracy": f"{metrics['scores']['accuracy']:.2f}",
        "Balanced accuracy": f"{metrics['scores']['balanced_accuracy']:.2f}",
        "F1 (macro)": f"{metrics['scores']['f1']:.2f}",
        "AUROC (macro)": f"{metrics['scores']['auroc']:.2f}",
    }
    assert charts(app) == {"class-confusion"}
    by_class = table_with(app, "middle")
    assert set(by_class.index) == set(GRADES)
    assert by_class["Test trials"].astype(int).sum() == metrics["n"]
    table = app.dataframe[0].value
    assert table[""].iloc[0] == "✗ wrong"
    wrong = table[table[""] == "✗ wrong"]
    assert len(wrong) == metrics["n"] - round(metrics["n"] * metrics["scores"]["accuracy"])
    assert wrong["Probability of the true class"].is_monotonic_increasing


@pytest.mark.slow
def test_controls_stand_beside_the_model_with_difference_and_verdict(
    open_page: OpenPage, data: Path, number: RunFolder
) -> None:
    metrics = number.read_metrics()
    tools = next(row for row in metrics["controls"] if row["key"] == "tools")
    tools |= {"difference": None, "difference_interval": None, "verdict": None, "description": "There are no boxes."}
    tools["scores"] = dict.fromkeys(tools["scores"])
    colour = next(row for row in metrics["controls"] if row["key"] == "colour")
    colour |= {"difference": -30.0, "difference_interval": (-50.0, -10.0), "verdict": "better than"}
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    table = table_with(app, "Colour")
    assert list(table.index) == ["This model", *(row["name"] for row in metrics["controls"])]
    assert as_read(table.loc["Colour", "Difference in RMSE"]) == "-30 mL (-50 mL to -10 mL)"
    assert table.loc["Colour", "The model is"] == "better than it"
    assert set(table.loc[tools["name"]]) == {"–"}
    assert [as_read(item.value) for item in app.success] == [target_comparison(metrics)]
    colour["verdict"] = "not shown to be better than"
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.success
    assert any("is not shown to be better than the colour control" in as_read(item.value) for item in app.warning)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["grade", "blood_loss"])
def test_the_folds_of_a_cross_validation_are_listed(open_page: OpenPage, data: Path, column: str) -> None:
    run = write_target_cross_validation(runs_root() / "cv-1", data, column)
    app = open_page("evaluation", data)
    assert not app.exception
    folds = run.read_metrics()["cross_validation"]["folds"]
    assert [as_read(name) for name in table_with(app, plain_text(folds[0]["run"])).index] == [
        row["run"] for row in folds
    ]
    assert " over 3 folds: " in text_of(app)
    app = open_page("training", data)
    title = "Test RMSE" if column == "blood_loss" else "Test AUROC"
    (table,) = [item.value for item in app.dataframe if title in item.value and "Fold" in item.value]
    assert table[title].notna().all()


@pytest.mark.slow
def test_scores_that_are_not_defined_are_dashes(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    metrics = number.read_metrics()
    metrics["scores"] |= {"r2": None, "correlation": None}
    metrics["intervals"] = {}
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.exception
    assert (tiles(app)["R²"], tiles(app)["Correlation"]) == ("–", "–")


@pytest.mark.slow
def test_metrics_of_an_earlier_version_are_completed(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    metrics = number.read_metrics()
    now = metrics["scores"].pop("large_recall")
    metrics["intervals"] = {}
    del metrics["surgeons"]
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.exception
    assert tiles(app)["> 500 mL found"] == f"{now:.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("damaged", ["target.json", "metrics.json"])
def test_a_damaged_file_is_named(open_page: OpenPage, data: Path, number: RunFolder, damaged: str) -> None:
    (number.path / damaged).write_text("{")
    for page in ("evaluation", "training"):
        app = open_page(page, data)
        assert not app.exception
        assert damaged in text_of(app)


@pytest.mark.slow
def test_the_columns_of_the_predictions_are_named(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    buttons = open_page("evaluation", data).get("download_button")
    (button,) = [button for button in buttons if button.label == "Download predictions.csv"]
    assert "label, prob_high, prob_low, prob_middle, predicted" in as_read(button.proto.help)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["evaluation", "trial_viewer", "dataset"])
def test_hostile_names_of_classes_are_text(open_page: OpenPage, tmp_path: Path, page: str) -> None:
    data = write_outcome_data(tmp_path / "data", HOSTILE)
    write_target_run(runs_root() / "run-1", data, "grade")
    app = open_page(page, data)
    if page == "trial_viewer":
        choose_trial(app, "S100T1")
    if page == "dataset":
        app.selectbox(key="outcome-shown").set_value("grade").run()
    assert not app.exception
    raw = "".join(item.value for item in (*app.markdown, *app.caption, *app.warning, *app.info, *app.success))
    raw += "".join(f"{tile.label}{tile.value}" for tile in app.metric)
    raw += "".join(str(table.value) + str(table.value.index) for table in app.table)
    raw += "".join(bar.proto.text for bar in app.get("progress"))
    assert "<script>" not in raw
    assert "**bold**" not in raw
    assert "](https" not in raw
    if page == "evaluation":
        assert any(
            "<script>alert(1)</script>" in as_read(str(name)) for table in app.table for name in table.value.index
        )


@pytest.mark.slow
def test_the_viewer_shows_a_number_beside_its_prediction(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    row = number.read_predictions().iloc[0]
    app = choose_trial(open_page("trial_viewer", data), row["trial_id"])
    assert not app.exception
    true, predicted = float(row["label"]), float(row["predicted"])
    assert tiles(app) == {"True blood loss": amount(true, "mL"), "Prediction": amount(predicted, "mL")}
    direction = "high" if predicted > true else "low"
    assert f"The prediction is **{amount(abs(predicted - true), 'mL')} too {direction}**." in text_of(app)
    assert not app.get("progress")


@pytest.mark.slow
def test_the_viewer_shows_the_probabilities_of_classes(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    row = grade.read_predictions().iloc[1]
    app = choose_trial(open_page("trial_viewer", data), row["trial_id"])
    assert tiles(app) == {"True grade": row["label"], "Prediction": row["predicted"]}
    texts = [bar.proto.text for bar in app.get("progress")]
    assert texts[0] == f"Probability of {row['predicted']}: {row['prob_' + row['predicted']]:.0%}"
    assert len(texts) == 3
    verdict = "right" if row["label"] == row["predicted"] else "wrong"
    assert f"The prediction is **{verdict}**." in text_of(app)


@pytest.mark.slow
def test_the_viewer_offers_trials_by_the_target_of_the_run(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    """The last two trials have an outcome, but no blood loss."""
    app = open_page("trial_viewer", data)
    app.session_state["drawn_trials"] = ["S100T1", "S110T2"]
    assert app.run().selectbox(key="trial").options == ["S100T1"]
    app.selectbox(key="run-trial_viewer").set_value("none").run()
    assert app.selectbox(key="trial").options == ["S100T1", "S110T2"]


@pytest.mark.slow
def test_a_trial_without_a_prediction_has_its_true_value(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    predictions = number.read_predictions()
    number.write_predictions(predictions[predictions["trial_id"] != "S100T2"])
    app = choose_trial(open_page("trial_viewer", data), "S100T2")
    assert tiles(app) == {"True blood loss": "135 mL", "Prediction": "–"}


@pytest.mark.slow
def test_the_dataset_page_shows_the_distribution_of_any_outcome(open_page: OpenPage, data: Path) -> None:
    app = open_page("dataset", data)
    assert "class-balance" in charts(app)
    picked = app.selectbox(key="outcome-shown")
    assert "Blood loss (mL)" in picked.options
    picked.set_value("grade").run()
    assert "class-balance" not in charts(app)
    assert "distribution" in charts(app)
    app.selectbox(key="outcome-shown").set_value("notes").run()
    assert not app.exception
    assert any("at most 20 different texts" in as_read(item.value) for item in app.info)


@pytest.mark.slow
def test_runs_whose_column_is_gone_are_still_shown(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    outcomes = pd.read_csv(data / layout.OUTCOMES_FILE, dtype=str)
    outcomes.drop(columns="grade").to_csv(data / layout.OUTCOMES_FILE, index=False)
    assert not open_page("evaluation", data).exception
    app = choose_trial(open_page("trial_viewer", data), "S100T1")
    assert not app.exception
    assert tiles(app)["True grade"] == "low"
    write_json(grade.metrics_file, {"main": 3})
    assert "metrics.json" in text_of(open_page("evaluation", data))
