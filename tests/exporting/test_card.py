"""Run cards: the facts, and the page that shows them."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from socal_core.dataset.opening import open_dataset
from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.exporting.card import collect_facts
from socal_core.exporting.card_page import render_html, write_card
from socal_core.exporting.card_results import result_facts
from socal_core.lifecycle.state import RunState
from socal_core.runs.files.records import Environment, WeightsRecord
from socal_core.runs.folder import RunFolder
from socal_core.settings import config_from
from socal_core.storage import write_json
from tests.factories import write_dataset
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run

OLD_RUNS = Path(__file__).parents[1] / "data" / "old_run"
LOADING = {"script", "img", "link", "iframe", "object", "embed", "video", "audio", "source", "base", "form", "input"}


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(run: RunFolder) -> Page:
    return Page(render_html(collect_facts(run)))


@pytest.fixture
def done(tmp_path: Path, shared_data_folder: Path) -> RunFolder:
    run = write_run(tmp_path / "run-1", shared_data_folder, test_fraction=0.4, skill=0.3)
    run.write_environment(
        Environment(
            socal_core="0.1.0",
            python="3.11.7",
            packages={"torch": "2.13.0"},
            device="cpu",
            weights=WeightsRecord("tiny", None, "ab" * 32, "MIT"),
        )
    )
    return run


def items_of(facts: dict[str, Any], checklist: str) -> dict[str, dict[str, Any]]:
    found = next(part for part in facts["checklists"] if part["name"] == checklist)
    return {item["number"]: item for item in found["items"]}


@pytest.mark.slow
def test_the_card_has_the_numbers_of_the_run(done: RunFolder, shared_data_folder: Path) -> None:
    facts, metrics, dataset = collect_facts(done), done.read_metrics(), open_dataset(shared_data_folder)
    assert metrics is not None
    assert facts["data"]["fingerprint"] == dataset.fingerprint
    assert facts["data"]["trials"] == len(dataset.trials)
    assert facts["missing"] == []
    assert json.loads(json.dumps(facts)) == facts
    assert {type(value) for value in facts["configuration"].values()} <= {str, int, float, bool}
    rows = {row["name"]: row for row in facts["results"]["scores"]}
    assert rows["accuracy"]["value"] == metrics["accuracy"]
    assert (rows["auroc"]["low"], rows["auroc"]["high"]) == tuple(metrics["intervals"]["auroc"] or (None, None))
    assert [row["name"] for row in facts["results"]["controls"]] == [row["name"] for row in metrics["controls"]]
    assert sum(item["n"] for item in facts["results"]["calibration"]) == metrics["n"]
    page = page_of(done)
    for score in ("accuracy", "auroc", "brier"):
        assert f"{metrics[score]:.3f}" in page.text
    assert facts["data"]["fingerprint"] in page.text
    assert "CC BY-NC 4.0" in page.text
    assert "the weights tiny: MIT" in page.text
    assert "Kugener" in page.text
    assert page.tags.count("svg") == 3
    assert str(shared_data_folder.parent) not in render_html(facts)


def test_results_of_earlier_data_are_named(done: RunFolder) -> None:
    assert not any("changed" in limit for limit in collect_facts(done)["limits"])
    done.write_metrics({**done.read_metrics(), "data_fingerprint": "earlier"})
    (limit,) = (limit for limit in collect_facts(done)["limits"] if "changed" in limit)
    assert limit.endswith("those of an earlier version, with the fingerprint earlier.")


def test_the_split_is_shown_to_share_no_surgeon(done: RunFolder, shared_data_folder: Path) -> None:
    facts, split = collect_facts(done), done.read_split()
    (part,) = facts["split"]["splits"]
    assert [row["trials"] for row in part["subsets"]] == [len(split.train), len(split.validation), len(split.test)]
    for row, trials in zip(part["subsets"], (split.train, split.validation, split.test), strict=True):
        assert row["surgeons"] == len({trial[:4] for trial in trials})
        assert sum(row["outcomes"].values()) == len(trials)
        assert set(row["outcomes"]) == {"failure", "success"}
    assert part["surgeons_in_common"] == {"train and validation": 0, "train and test": 0, "validation and test": 0}
    assert "No surgeon is in two subsets" in page_of(done).text
    assert items_of(facts, "CLAIM")["21"]["status"] == "filled"


def test_shared_surgeons_are_counted(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "random", shared_data_folder, split_method="random")
    facts = collect_facts(run)
    (part,) = facts["split"]["splits"]
    split = run.read_split()
    shared = {trial[:4] for trial in split.train} & {trial[:4] for trial in split.test}
    assert shared
    assert part["surgeons_in_common"]["train and test"] == len(shared)
    text = page_of(run).text
    assert "Surgeons are in several subsets" in text
    assert "No surgeon is in two subsets" not in text
    assert facts["split"]["warning"] in facts["limits"]


@pytest.mark.slow
def test_without_the_data_the_split_is_checked_by_the_predictions(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data")
    run = write_run(tmp_path / "run", data)
    before = collect_facts(run)
    data.rename(tmp_path / "elsewhere")
    facts = collect_facts(run)
    assert facts["data"] is None
    assert facts["split"] == before["split"]
    assert "there is no such folder" in " ".join(facts["missing"])
    assert items_of(facts, "CLAIM")["7"]["status"] == "open"
    assert "could not be opened" in page_of(run).text


@pytest.mark.parametrize("name", ["finished", "frozen", "stopped"])
def test_runs_of_earlier_versions_have_cards(name: str) -> None:
    run = RunFolder.open(OLD_RUNS / name)
    facts, page = collect_facts(run), page_of(run)
    assert (facts["results"] is None) is (name == "stopped")
    assert ("There are no test results." in page.text) is (name == "stopped")


def test_a_run_without_results_says_so(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run", shared_data_folder, state=RunState.STOPPED)
    facts = collect_facts(run)
    assert facts["missing"] == ["Run run has no test results. Its state is stopped."]
    assert "has no test results" in page_of(run).text
    assert items_of(facts, "TRIPOD+AI")["23"]["status"] == "open"


@pytest.mark.slow
def test_a_cross_validation_shows_the_split_of_each_fold(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_cross_validation(tmp_path / "cv", shared_data_folder)
    facts, page = collect_facts(run), page_of(run)
    assert [part["name"] for part in facts["split"]["splits"]] == ["fold-1", "fold-2", "fold-3"]
    assert page.text.count("No surgeon is in two subsets") == 3
    assert "Folds of the cross-validation" in page.text


@pytest.mark.slow
def test_hostile_names_are_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    hostile = "\"><script>alert('x')</script><img src=http://evil.example/a.png onerror=alert(1)>"
    data = write_dataset(tmp_path / "<img src=x>\"'&")
    run = write_run(tmp_path / "run", data, test_fraction=0.4, skill=0.2)
    write_json(run.notes_file, {"name": hostile, "note": "", "tags": []})
    metrics = run.read_metrics()
    assert metrics is not None
    metrics["controls"][0] |= {"name": hostile, "description": hostile, "difference": 0.1}
    metrics["window"] = hostile
    run.write_metrics(metrics)
    page = page_of(run)
    assert not LOADING & set(page.tags)
    addresses = [(name, value) for _, name, value in page.attributes if name in {"src", "href", "srcset", "style"}]
    assert {(name, value.split("/10.")[0]) for name, value in addresses} == {("href", "https://doi.org")}
    assert not any(name.startswith("on") for _, name, _ in page.attributes)
    assert page.text.count(" ".join(hostile.split())) >= 3
    assert "<img src=x>\"'&" in page.text
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize(("checklist", "count"), [("TRIPOD+AI", 27), ("CLAIM", 42)])
def test_checklists_are_complete_and_honest(done: RunFolder, checklist: str, count: int) -> None:
    items = items_of(collect_facts(done), checklist)
    assert list(items) == [str(number) for number in range(1, count + 1)]
    for item in items.values():
        assert (item["status"] == "open") == bool(item["open"])
        assert item["known"] or item["open"]
    assert {item["status"] for item in items.values()} == {"filled", "open"}


def test_another_target_is_read_as_it_is(done: RunFolder) -> None:
    control = {"key": "mean", "name": "Mean", "description": "", "scores": {"rmse": 90.0}, "verdict": "above"}
    control |= {"difference": -12.0, "difference_interval": [-30.0, 4.0]}
    metrics = {
        "target": "blood_loss",
        "n": 12,
        "scores": {"rmse": 78.0, "new_score": 0.2},
        "intervals": {"rmse": (60.0, 95.0)},
        "confusion_matrix": [],
        "controls": [control],
        "trials": [{"trial_id": "S1T1", "participant_id": "1", "label": 3.0, "predicted": 4.0}],
    }
    results = result_facts(metrics, Target("blood_loss", "Blood loss", "mL"))
    assert results["target"] == "Blood loss (mL)"
    assert [(row["label"], row["value"], row["low"]) for row in results["scores"]] == [
        ("RMSE", 78.0, 60.0),
        ("New score", 0.2, None),
    ]
    assert results["roc"] is None
    facts = {**collect_facts(done), "results": results}
    assert "-12.000 (-30.000 to 4.000)" in Page(render_html(facts)).text


@pytest.mark.slow
def test_synthetic_data_are_not_cited_as_published(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data")
    (data / "README.txt").write_text("SOCAL demo data set\n")
    run = write_run(tmp_path / "run", data)
    facts = collect_facts(run)
    assert facts["data"]["synthetic"]
    assert [row["name"] for row in facts["licences"]] == ["CC0 1.0"]
    assert "Kugener" not in render_html(facts)


def test_a_card_is_written_as_html_or_json(tmp_path: Path, done: RunFolder) -> None:
    write_card(done, tmp_path / "card.html")
    write_card(done, tmp_path / "card.json")
    facts = json.loads((tmp_path / "card.json").read_text())
    assert facts["run"]["name"] == "run-1"
    assert facts["configuration"]["num_frames"] == config_from({"recipe": "finetune"}, "tiny").clip.num_frames
    assert (tmp_path / "card.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(RunError, match=r"must end with \.html or \.json"):
        write_card(done, tmp_path / "card.pdf")
    with pytest.raises(RunError, match="cannot be written"):
        write_card(done, tmp_path / "nowhere" / "card.html")


def test_notes_name_the_card(done: RunFolder) -> None:
    write_json(done.notes_file, {"name": "Best of May", "note": "", "tags": []})
    assert collect_facts(done)["run"]["title"] == "Best of May"
    assert "Run card: Best of May" in page_of(done).text


def test_a_control_and_a_view_are_limits(tmp_path: Path, shared_data_folder: Path) -> None:
    settings = {"control": "shuffled-frames", "view": "first", "trials": '{"trial_numbers": [1]}'}
    limits = collect_facts(write_run(tmp_path / "run", shared_data_folder, **settings))["limits"]
    assert limits[0].startswith("This run is a control, not a result")
    assert any("Only some trials of the data were used" in limit and "before coaching" in limit for limit in limits)
