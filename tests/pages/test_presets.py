"""What pages and the command line show of a folder that is not SOCAL."""

import json
from pathlib import Path

import pytest

from socal_core.presets import SOCAL, SOSPINE
from tests.pages.conftest import OpenPage, metrics_of, text_of
from tests.presets.spine_folder import write_spine
from tests.test_cli import run_cli


@pytest.fixture
def spine(tmp_path: Path) -> Path:
    return write_spine(tmp_path / "spine")


@pytest.mark.slow
def test_the_dataset_page_shows_the_preset(open_page: OpenPage, spine: Path) -> None:
    app = open_page("dataset", spine)
    assert (metrics_of(app)["Trials"], metrics_of(app)["Surgeons"]) == ("19", "6")
    (views,) = [control for control in app.segmented_control if control.key == "view"]
    assert "Coaching" not in views.options
    for view in views.options:
        assert not views.set_value(view).run().exception
        if view == "Trials":
            assert "repair_time" in app.dataframe[0].value
    text = text_of(views.set_value("About").run())
    assert "Read as: **SOSpine**" in text
    assert "`success` is 1 if the repaired dura did not leak at 40 mmHg, else 0." in text
    for licence in ("CC BY-NC 4.0**, stated in the readme", "CC BY 4.0**, stated in the pages of the data on Figshare"):
        assert licence in text
    assert SOSPINE.citation in text
    assert SOSPINE.doi in text
    assert SOCAL.citation not in text
    (meanings,) = [table.value for table in app.table if table.value.index.name == "Column"]
    assert meanings.loc["repair_time" if "repair_time" in meanings.index else "repair\\_time", "Unit"] == "s"


def test_without_data_the_licences_of_all_presets_are_shown(open_page: OpenPage, tmp_path: Path) -> None:
    text = text_of(open_page("dataset", tmp_path / "nowhere"))
    assert SOCAL.citation in text
    assert SOSPINE.citation in text


@pytest.mark.slow
def test_a_run_can_be_prepared(open_page: OpenPage, spine: Path) -> None:
    app = open_page("training", spine)
    assert not app.exception
    assert "Recognition, not prediction" in text_of(app)
    assert "published task" not in text_of(app)
    assert not open_page("trial_viewer", spine).exception
    assert "the repaired dura did not leak at 40 mmHg" in text_of(open_page("app", spine))


def test_inspect_names_the_preset_and_its_evidence(capsys: pytest.CaptureFixture[str], spine: Path) -> None:
    code, out, _ = run_cli(capsys, "inspect", spine, "--json")
    summary = json.loads(out)
    assert (code, summary["preset"], summary["coaching"]) == (0, "sospine", None)
    assert summary["evidence"][0] == {
        "path": SOSPINE.outcomes_file,
        "interpretation": "The data set is SOSpine.",
        "basis": "No other known data set has a file of this name.",
    }
    text = run_cli(capsys, "inspect", spine)[1]
    assert text.startswith("data set: SOSpine (licence: CC BY-NC 4.0 or CC BY 4.0)\n")
    assert "coaching" not in text
