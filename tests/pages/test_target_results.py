"""The results of runs that predict classes or a number: Evaluation page, Trial viewer, Dataset page."""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.targets import amount
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
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


def test_a_number_is_shown_in_its_unit(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    app = open_page("evaluation", data)
    assert not app.exception
    metrics = number.read_metrics()
    shown = tiles(app)
    assert shown["RMSE"] == amount(metrics["scores"]["rmse"], "mL")
    assert shown["R²"] == f"{metrics['scores']['r2']:.2f}"
    assert shown["Mean error"] == amount(metrics["scores"]["mean_error"], "mL")
    (interval,) = [as_read(tile.delta) for tile in app.metric if tile.delta]
    assert interval.endswith(" mL")
    text = text_of(app)
    assert "**Prediction** of **Blood loss** (mL) · window: first 60 s" in text
    assert f"**{metrics['n']} test trials**" in text
    assert "2 trials have no blood loss and were left out." in text
    assert charts(app) == {"predicted-against-true", "bland-altman"}


def test_the_trials_of_a_number_begin_with_the_largest_error(
    open_page: OpenPage, data: Path, number: RunFolder
) -> None:
    table = open_page("evaluation", data).dataframe[0].value
    errors = table["Error (mL)"].abs().to_list()
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == 150
    predictions = number.read_predictions()
    assert set(table["Trial"]) == set(predictions.loc[predictions["split"] == "test", "trial_id"])


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
    assert table["Probability of the true class"].iloc[0] < 0.5


def test_controls_stand_beside_the_model_with_difference_and_verdict(
    open_page: OpenPage, data: Path, number: RunFolder
) -> None:
    app = open_page("evaluation", data)
    table = table_with(app, "Colour")
    assert as_read(table.loc["Colour", "Difference in RMSE"]).startswith("-")
    assert table.loc["Colour", "The model is"] == "better than it"
    assert set(table.loc["Tools over time"]) == {"–"}
    assert "is better than the colour control" in as_read(app.success[0].value)
    assert "The tools control was not computed: the data have no boxes." in text_of(app)
    metrics = number.read_metrics()
    metrics["controls"][0]["verdict"] = "not shown to be better than"
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.success
    assert any("is not shown to be better than the colour control" in as_read(item.value) for item in app.warning)


@pytest.mark.parametrize("column", ["grade", "blood_loss"])
def test_the_folds_of_a_cross_validation_are_listed(open_page: OpenPage, data: Path, column: str) -> None:
    run = write_target_run(runs_root() / "run-1", data, column)
    metrics = run.read_metrics()
    fold = {"n": 4, "surgeons": 2, "seed": 0, "scores": metrics["scores"], "validation_trials": 4}
    value = metrics["scores"][metrics["main"]]
    spread = {"count": 2, "mean": value, "standard_deviation": 0.1, "lowest": value, "highest": value}
    metrics["cross_validation"] = {
        "folds": [{**fold, "run": f"fold-{number}", "fold": number} for number in (1, 2)],
        "seeds": [],
        "over_folds": {metrics["main"]: spread},
        "over_seeds": {},
    }
    run.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.exception
    assert list(table_with(app, "fold-1").index) == ["fold-1", "fold-2"]
    assert " over 2 folds: " in text_of(app)


def test_scores_that_are_not_defined_are_dashes(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    metrics = number.read_metrics()
    metrics["scores"] |= {"r2": None, "correlation": None}
    metrics["intervals"] = {}
    number.write_metrics(metrics)
    app = open_page("evaluation", data)
    assert not app.exception
    assert (tiles(app)["R²"], tiles(app)["Correlation"]) == ("–", "–")


@pytest.mark.parametrize("damaged", ["target.json", "metrics.json"])
def test_a_damaged_file_is_named(open_page: OpenPage, data: Path, number: RunFolder, damaged: str) -> None:
    (number.path / damaged).write_text("{")
    for page in ("evaluation", "training"):
        app = open_page(page, data)
        assert not app.exception
        assert damaged in text_of(app)


def test_the_columns_of_the_predictions_are_named(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    (button,) = open_page("evaluation", data).get("download_button")
    assert "label, prob_high, prob_low, prob_middle, predicted" in as_read(button.proto.help)


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


def test_the_viewer_shows_a_number_beside_its_prediction(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    row = number.read_predictions().iloc[0]
    app = choose_trial(open_page("trial_viewer", data), row["trial_id"])
    assert not app.exception
    assert tiles(app) == {"True blood loss": f"{row['label']:.0f} mL", "Prediction": f"{row['predicted']:.0f} mL"}
    assert "The prediction is **150 mL too high**." in text_of(app)
    assert not app.get("progress")


def test_the_viewer_shows_the_probabilities_of_classes(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    row = grade.read_predictions().iloc[1]
    app = choose_trial(open_page("trial_viewer", data), row["trial_id"])
    assert tiles(app) == {"True grade": row["label"], "Prediction": row["predicted"]}
    texts = [bar.proto.text for bar in app.get("progress")]
    assert texts[0] == f"Probability of {row['predicted']}: 80%"
    assert len(texts) == 3
    assert "The prediction is **right**." in text_of(app)


def test_the_viewer_offers_trials_by_the_target_of_the_run(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    """The last two trials have an outcome, but no blood loss."""
    app = open_page("trial_viewer", data)
    app.session_state["drawn_trials"] = ["S100T1", "S110T2"]
    assert app.run().selectbox(key="trial").options == ["S100T1"]
    app.selectbox(key="run-trial_viewer").set_value("none").run()
    assert app.selectbox(key="trial").options == ["S100T1", "S110T2"]


def test_a_trial_without_a_prediction_has_its_true_value(open_page: OpenPage, data: Path, number: RunFolder) -> None:
    predictions = number.read_predictions()
    number.write_predictions(predictions[predictions["trial_id"] != "S100T2"])
    app = choose_trial(open_page("trial_viewer", data), "S100T2")
    assert tiles(app) == {"True blood loss": "135 mL", "Prediction": "–"}


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


def test_runs_whose_column_is_gone_are_still_shown(open_page: OpenPage, data: Path, grade: RunFolder) -> None:
    outcomes = pd.read_csv(data / layout.OUTCOMES_FILE, dtype=str)
    outcomes.drop(columns="grade").to_csv(data / layout.OUTCOMES_FILE, index=False)
    assert not open_page("evaluation", data).exception
    app = choose_trial(open_page("trial_viewer", data), "S100T1")
    assert not app.exception
    assert tiles(app)["True grade"] == "low"
    write_json(grade.metrics_file, {"main": 3})
    assert "metrics.json" in text_of(open_page("evaluation", data))
