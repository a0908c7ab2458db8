"""Attention maps on the Trial viewer page, and the job that computes them."""

from dataclasses import replace
from pathlib import Path

import pytest

from pages.components.trial_viewer.attention_view import MAPPING
from socal_core.explanations.attention_record import AttentionMap, AttentionStep, write_attention
from socal_core.jobs.harness import carry_out
from socal_core.jobs.job import REQUEST, JobState
from socal_core.jobs.map_attention import map_attention
from socal_core.runs.folder import RunFolder
from socal_core.storage import write_json
from socal_core.workspace import runs_root
from tests.explanations.test_write import FOUND
from tests.made_runs import write_run
from tests.pages.conftest import OpenPage, text_of

STEPS = (AttentionStep(0, 1, ((0.4, 0.1), (0.0, 0.0))), AttentionStep(2, 3, ((0.2, 0.3), (0.0, 0.0))))
MAP = AttentionMap(
    "S100T1", 3, "probability of success", 0.7, (0.1, 0.0, 0.9, 1.0), STEPS, replace(FOUND.faithfulness, p_value=0.3)
)


@pytest.fixture
def run(shared_data_folder: Path) -> RunFolder:
    return write_run(runs_root() / "run-1", shared_data_folder)


def test_a_map_is_shown_by_time_with_what_it_is_worth(open_page: OpenPage, shared_data_folder: Path, run) -> None:
    write_attention(run, replace(MAP, epoch=run.read_metrics()["epoch"]))
    app = open_page("trial_viewer", shared_data_folder)
    assert "This map is not better than a random map (p = 0.30)." in text_of(app)
    assert app.selectbox(key="attention-step").options == ["All", "0 to 1 s", "2 to 3 s"]
    app.selectbox(key="attention-step").set_value(2).run()
    assert not app.exception
    assert len(app.get("image")) == 1
    write_attention(run, replace(MAP, epoch=9))
    assert "The last attention map is of another checkpoint" in text_of(app.run())
    assert [button for button in app.button if button.key == "map-attention"]


def test_a_run_without_attention_says_why(open_page: OpenPage, shared_data_folder: Path) -> None:
    write_run(runs_root() / "run-2", shared_data_folder, recipe="frozen", encoder="image")
    app = open_page("trial_viewer", shared_data_folder)
    assert not app.exception
    assert "its head is a regression on the features of frozen encoders" in text_of(app)


def test_the_job_says_what_is_missing(run: RunFolder) -> None:
    MAPPING.folder.mkdir(parents=True)
    write_json(MAPPING.folder / REQUEST, {"run": str(run.path), "trial": "S100T1"})
    assert carry_out(map_attention, MAPPING.folder) is JobState.FAILED
    assert "run-1 has no checkpoint" in MAPPING.status().error
