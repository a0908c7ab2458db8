from pathlib import Path

import pandas as pd
import pytest

from pages.components.evaluation.analyses import ANALYSES
from socal_core.dataset import layout
from socal_core.evaluation.controls import comparison
from socal_core.evaluation.thresholds import ThresholdRule, choose_by_rule
from socal_core.evaluation.trial_scores import FURTHER, metrics_of_test_trials
from socal_core.lifecycle.state import RunState
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.factories import write_dataset
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, as_read, metrics_of, text_of


@pytest.fixture
def done(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-done", shared_data_folder, test_fraction=0.4, skill=0.2)


def test_without_a_run_the_page_shows_where_to_go(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = open_page("evaluation", shared_data_folder)
    assert "Train a model first" in text_of(app)


def test_scores_stand_with_their_intervals(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    app = open_page("evaluation", shared_data_folder)
    metrics = done.read_metrics()
    tiles = {tile.label: tile for tile in app.metric}
    for label, name in (("Accuracy", "accuracy"), ("Recall", "recall"), ("AUROC", "auroc"), ("F1", "f1")):
        assert tiles[label].value == f"{metrics[name]:.2f}"
        assert tiles[label].delta == "too few surgeons"
    low, high = metrics["intervals"]["accuracy"] = (0.41, 0.93)
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    delta = next(tile.delta for tile in app.metric if tile.label == "Accuracy")
    assert delta == f"{low:.2f} to {high:.2f}"
    assert len(app.get("plotly_chart")) == 2


def test_the_scores_are_those_of_the_predictions(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    """Not of the labels with themselves: a model that is no good must not look good."""
    table = open_page("evaluation", shared_data_folder).dataframe[0].value
    predictions = done.read_predictions()
    test = predictions[predictions["split"] == "test"]
    right = (test["label"] == test["predicted"]).mean()
    assert right < 1
    assert (table[""].str.endswith("correct")).mean() == right
    assert table[""].iloc[0] == "✗ wrong"
    assert set(table["Trial"]) == set(test["trial_id"])


def test_threshold_task_and_small_numbers_are_named(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    text = text_of(open_page("evaluation", shared_data_folder))
    metrics = done.read_metrics()
    assert "**Prediction** · window: first 60 s" in text
    assert f"probability of success is at least {metrics['threshold']:.2f}" in text
    assert "highest balanced accuracy on the validation trials" in text
    assert metrics["n"] == 8
    assert "There are only 8 test trials, so a single one changes the accuracy by 12 percentage points." in text
    assert "Recognition" not in text


def test_controls_stand_beside_the_model(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    tables = [table.value for table in open_page("evaluation", shared_data_folder).table]
    names = next(table for table in tables if "**This model**" in table.index).index.to_list()
    assert names == ["**This model**", *(control["name"] for control in done.read_metrics()["controls"])]
    by_class = next(table for table in tables if "Failure" in table.index)
    assert by_class["Test trials"].astype(int).sum() == done.read_metrics()["n"]


@pytest.mark.parametrize(("trials", "few"), [(19, True), (20, False)])
def test_twenty_test_trials_as_the_default_split_leaves_are_not_few(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder, trials: int, few: bool
) -> None:
    write_json(done.metrics_file, {**done.read_metrics(), "n": trials})
    text = text_of(open_page("evaluation", shared_data_folder))
    assert (f"There are only {trials} test trials" in text) is few
    assert "If two models differ by less than these intervals, the difference may be due to chance." in text


def test_the_page_opens_with_whether_the_model_is_better_than_its_best_control(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    metrics = done.read_metrics()
    for row in metrics["controls"]:
        row.update(auroc=0.4, difference=0.3, difference_interval=[0.1, 0.5], verdict="above")
    best = metrics["controls"][-1]
    best.update(auroc=0.6, difference=0.1)
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    (said,) = [as_read(item.value) for item in app.success]
    assert said.startswith(f"**The model is better than its best control ({best['name']})")
    assert "on the same 8 test trials of 4 surgeons" in said
    best.update(difference_interval=[-0.1, 0.5], verdict="not shown to be above")
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    assert not app.success
    assert "is not shown to be better than its best control" in as_read(app.info[0].value)
    assert comparison(metrics) in text_of(app)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Calibration", "temperature"),
        ("Threshold", "For exploration only"),
        ("Decision curve", "net benefit"),
        ("Confidence", "with a confidence of"),
        ("Subgroups", "too small to say anything about"),
        ("Published results", "Published results are not comparable"),
    ],
)
def test_an_analysis_is_shown_when_it_is_chosen(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder, name: str, said: str
) -> None:
    app = open_page("evaluation", shared_data_folder)
    assert said not in text_of(app)
    app.segmented_control(key="analysis").set_value(name).run()
    assert not app.exception
    assert said in text_of(app)


@pytest.mark.slow
def test_every_analysis_takes_one_trial_of_an_unknown_surgeon(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    """One trial has one outcome, so it stands for a test subset with one class too."""
    predictions = done.read_predictions()
    test = predictions["split"] == "test"
    one = pd.concat([predictions[~test], predictions[test].iloc[:1]])
    one["participant_id"] = ""
    metrics = {**done.read_metrics(), **metrics_of_test_trials(one)}
    done.write_predictions(one)
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    assert "1 test trial of unknown surgeons all have the same outcome" in text_of(app)
    assert "Test trials of unknown surgeons: 1." in text_of(app)
    for name in ANALYSES:
        app.segmented_control(key="analysis").set_value(name).run()
        assert not app.exception, name


def test_the_threshold_to_explore_changes_no_score_of_the_run(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_page("evaluation", shared_data_folder)
    before = metrics_of(app)
    app.segmented_control(key="analysis").set_value("Threshold").run()
    app.slider(key="threshold-run-done").set_value(1.0).run()
    explored = next(table.value for table in app.table if "Explored" in table.value.index)
    assert explored.loc["Explored", "Successes found"].startswith("0 of ")
    validation = done.read_predictions().query("split == 'validation'")
    by_f1 = choose_by_rule(validation["label"], validation["prob_success"], ThresholdRule.F1)
    assert explored.loc["Highest F1", "Threshold"] == f"{by_f1.value:.2f}"
    app.select_slider(key="stated-sensitivity").set_value(1.0).run()
    table = next(table.value for table in app.table if "Explored" in table.value.index)
    all_found = choose_by_rule(validation["label"], validation["prob_success"], ThresholdRule.SENSITIVITY, 1.0)
    assert table.loc["Sensitivity of at least 100%", "Threshold"] == f"{all_found.value:.2f}"
    assert metrics_of(app) == before


def test_metrics_of_an_earlier_version_get_the_intervals_of_this_one(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    metrics = done.read_metrics()
    metrics["intervals"] = {name: [0.1, 0.2] for name in ("accuracy", "precision", "recall", "auroc")}
    write_json(
        done.metrics_file, {name: value for name, value in metrics.items() if name not in (*FURTHER, "surgeons")}
    )
    app = open_page("evaluation", shared_data_folder)
    assert {tile.delta for tile in app.metric} == {"too few surgeons"}
    assert metrics_of(app)["Specificity"] == f"{metrics['specificity']:.2f}"


def test_runs_evaluated_before_these_controls_existed_are_shown(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    metrics = done.read_metrics()
    known = ("name", "description", "accuracy", "balanced_accuracy", "auroc", "auroc_interval")
    metrics["controls"] = [{name: row[name] for name in known} for row in metrics["controls"][:3]]
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert "The model (AUROC" not in text_of(app)
    names = next(table.value for table in app.table if "**This model**" in table.value.index).index.to_list()
    assert names == ["**This model**", *(row["name"] for row in metrics["controls"])]


@pytest.mark.slow
def test_a_control_that_the_data_do_not_allow_is_a_dash_and_not_a_zero(open_page: OpenPage, tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data")
    (data / layout.BOXES_FILE).unlink()
    write_run(runs_root() / "run-no-boxes", data, test_fraction=0.4, skill=0.2)
    app = open_page("evaluation", data)
    table = next(table.value for table in app.table if "Tools over time" in table.value.index)
    assert set(table.loc["Tools over time"]) == {"–"}
    assert "The tools control was not computed: the data have no boxes." in text_of(app)


def test_recognition_is_called_by_its_name(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-whole", shared_data_folder, window="whole")
    app = open_page("evaluation", shared_data_folder)
    assert any("This is recognition, not prediction" in warning.value for warning in app.warning)


def test_scores_that_are_not_defined_are_dashes(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    metrics = done.read_metrics()
    for name in ("auroc", "balanced_accuracy", "precision"):
        metrics[name] = None
    metrics["intervals"].update(auroc=None, precision=None)
    metrics["per_class"]["failure"].update(precision=None, recall=None, f1=None, support=0)
    metrics["controls"][0]["auroc"] = None
    write_json(done.metrics_file, metrics)
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert metrics_of(app)["AUROC"] == "–"
    assert "There is no ROC curve" in text_of(app)


def test_trials_that_were_left_out_are_listed(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    metrics = done.read_metrics()
    metrics["left_out"] = [{"trial_id": "S100T1", "reason": "No frame lies in the window."}]
    write_json(done.metrics_file, metrics)
    tables = [table.value for table in open_page("evaluation", shared_data_folder).table]
    reasons = next(table["Reason"] for table in tables if "Reason" in table)
    assert reasons.to_dict() == {"S100T1": "No frame lies in the window."}


def test_runs_that_are_done_come_first(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    write_run(runs_root() / "run-later", shared_data_folder, RunState.STOPPED)
    app = open_page("evaluation", shared_data_folder)
    assert app.selectbox(key="run-evaluation").value == done.name
    app.selectbox(key="run-evaluation").set_value("run-later").run()
    assert "has no test results. Its state is *stopped*" in text_of(app)


def test_all_predictions_can_be_downloaded(open_page: OpenPage, shared_data_folder: Path, done: RunFolder) -> None:
    app = open_page("evaluation", shared_data_folder)
    assert "Download predictions.csv" in [button.label for button in app.get("download_button")]


@pytest.mark.parametrize("damaged", ["config.json", "metrics.json"])
def test_a_damaged_run_is_named_and_others_can_be_chosen(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder, damaged: str
) -> None:
    (done.path / damaged).write_text("{")
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert any(damaged in error.value for error in app.error)
    assert app.selectbox(key="run-evaluation").options == [done.name]


def test_the_card_and_the_command_for_the_export_are_offered(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    app = open_page("evaluation", shared_data_folder)
    assert not app.exception
    assert "Run card" in [button.label for button in app.get("download_button")]
    assert [block.value for block in app.code] == [
        "python -m socal_core export runs/run-done run-done-model",
    ]


@pytest.mark.slow
def test_the_command_for_a_cross_validation_names_a_fold(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_cross_validation(runs_root() / "cv", shared_data_folder)
    app = open_page("evaluation", shared_data_folder)
    assert [block.value for block in app.code] == ["python -m socal_core export runs/cv/fold-1 cv-fold-1-model"]
    assert "choose the fold whose model you want" in text_of(app)


def test_results_of_an_earlier_version_of_the_data_say_so(
    open_page: OpenPage, shared_data_folder: Path, done: RunFolder
) -> None:
    changed = "The data folder was changed after this run was evaluated."
    assert changed not in text_of(open_page("evaluation", shared_data_folder))
    done.write_metrics({**done.read_metrics(), "data_fingerprint": "earlier"})
    assert changed in text_of(open_page("evaluation", shared_data_folder))
