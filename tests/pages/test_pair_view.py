"""Two trials of a surgeon side by side."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pages.components.trial_viewer.pair_view import partner_of
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from tests.pages.conftest import OpenPage, text_of
from tests.pages.test_trial_viewer import choose_trial


def test_the_second_player_follows_the_first(open_page: OpenPage, shared_data_folder: Path) -> None:
    app = choose_trial(open_page("trial_viewer", shared_data_folder), "S103T2")
    assert len(app.get("bidi_component")) == 1
    app.toggle(key="beside-partner").set_value(True).run()
    assert not app.exception
    given = [json.loads(player.proto.json) for player in app.get("bidi_component")]
    assert [(data["trial"], data.get("follows", False)) for data in given] == [("S103T1", True), ("S103T2", False)]
    assert given[1]["leads"]
    assert "S103T1 · true outcome:" in text_of(app).replace("*", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("numbers", "partner"), [((1, 2), "S100T2"), ((2, 1), "S100T2"), ((1, None), None), ((None, 2), None)]
)
def test_the_partner_is_the_next_trial_or_the_one_before(
    data_folder: Path, numbers: tuple[int | None, int | None], partner: str | None
) -> None:
    dataset = open_dataset(data_folder)
    trials = dataset.trials
    trials.loc[["S100T1", "S100T2"], "trial_number"] = pd.array(numbers, trials["trial_number"].dtype)
    assert partner_of(dataset, "S100T1") == partner


def test_a_surgeon_with_one_trial_has_no_partner(data_folder: Path) -> None:
    for frame in (data_folder / layout.IMAGES_DIR).glob("S100T2_*"):
        frame.unlink()
    dataset = open_dataset(data_folder)
    assert partner_of(dataset, "S100T1") is None
    assert partner_of(dataset, "S101T1") == "S101T2"
