"""Files of explanations."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from socal_core.dataset.opening import open_dataset
from socal_core.errors import RunError
from socal_core.explanations.attention_record import AttentionMap, AttentionStep
from socal_core.explanations.overlay import LOWERS, RAISES, overlay
from socal_core.explanations.record import (
    Explanation,
    Faithfulness,
    TimeEffect,
    ToolEffect,
    read_explanation,
    write_explanation,
)
from socal_core.explanations.write import FILES, attention_text, explanation_text, write_folder
from tests.made_runs import write_run

FOUND = Explanation(
    trial_id="S100T1",
    epoch=3,
    output_name="probability of success",
    output=0.7,
    frames=(0, 3, 6),
    tools=(
        ToolEffect("suction", 3, 0.1, 0.4, 0.3, (0.1, -0.2, 0.0)),
        ToolEffect("grasper", 1, 0.1, 0.65, 0.05, (0.1, 0.0, 0.0)),
    ),
    times=(TimeEffect(0, 3, 0.1), TimeEffect(6, 6, -0.1)),
    squares=((0.2, 0.0), (-0.1, 0.0)),
    faithfulness=Faithfulness((0.5,), (-0.2,), (-0.1,), (-0.1,), (-0.2,), 0.1, 0.3),
)


def test_a_run_keeps_its_explanations(tmp_path: Path, shared_data_folder: Path) -> None:
    run = write_run(tmp_path / "run", shared_data_folder)
    assert read_explanation(run, "S100T1") is None
    write_explanation(run, FOUND)
    assert read_explanation(run, "S100T1") == FOUND
    (run.path / "explanations" / "S100T1.json").write_text('{"format": 1}')
    with pytest.raises(RunError, match=r"S100T1\.json cannot be read: its field trial_id"):
        read_explanation(run, "S100T1")


def test_a_folder_holds_values_tables_and_a_picture(tmp_path: Path, shared_data_folder: Path) -> None:
    out = tmp_path / "new" / "out"
    write_folder(FOUND, open_dataset(shared_data_folder), out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    tools = pd.read_csv(out / "tools.csv")
    assert tools["stands_out"].tolist() == [True, False]
    with Image.open(out / "map.png") as picture:
        assert picture.size == (64, 48)
    with pytest.raises(RunError, match="out already exists and is not empty"):
        write_folder(FOUND, open_dataset(shared_data_folder), out)


def test_the_attention_map_is_a_picture_of_its_own(tmp_path: Path, shared_data_folder: Path) -> None:
    steps = (AttentionStep(0, 1, ((0.5, 0.0), (0.0, 0.5))),)
    half = AttentionMap("S100T1", 3, FOUND.output_name, 0.7, (0.5, 0.0, 1.0, 1.0), steps, FOUND.faithfulness)
    dataset, out = open_dataset(shared_data_folder), tmp_path / "out"
    write_folder(FOUND, dataset, out, half)
    frame = dataset.frames_of("S100T1")["frame"].iloc[3]
    with Image.open(out / "attention.png") as picture:
        changed = np.abs(np.asarray(picture).astype(int) - dataset.read_frame(frame)).sum(axis=2) > 0
    assert not changed[:, :32].any(), "the map covers the right half"
    assert changed[:24, 32:48].mean() > 0.9
    assert not changed[24:, 32:48].any()
    assert '"place"' in (out / "attention.json").read_text()
    assert attention_text(half, "") == "The attention map is not better than a random map (p = 0.300)."
    assert attention_text(None, "it is frozen.") == "There is no attention map: it is frozen."


def test_the_text_says_what_means_nothing() -> None:
    lines = explanation_text(FOUND).splitlines()
    assert lines[0] == "S100T1: probability of success 0.700"
    assert lines[1] == "without suction (3 frames): 0.400 (-0.300)"
    assert lines[2].endswith("not more than the same boxes elsewhere)")
    assert lines[3] == "The map of the frame is not better than a random map (p = 0.300)."


def test_the_map_is_orange_where_a_place_raises_the_output_and_blue_where_it_lowers_it() -> None:
    grey = Image.new("RGB", (40, 40), (100, 100, 100))
    drawn = np.asarray(overlay(grey, FOUND.squares, opacity=1.0))
    assert drawn[10, 10].tolist() == list(RAISES)
    assert drawn[10, 30].tolist() == [100, 100, 100]
    half = (np.array(LOWERS) + 100) / 2
    assert np.abs(drawn[30, 10] - half).max() <= 1
    assert np.array_equal(np.asarray(overlay(grey, ((0.0,),))), np.asarray(grey))
