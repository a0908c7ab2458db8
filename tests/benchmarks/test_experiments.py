from pathlib import Path

import pandas as pd
import pytest

from benchmarks.experiments import complete, difference_text, markdown, pooled_difference
from benchmarks.frozen_speed import stage_seconds


def test_pooled_scores_are_compared_within_their_split_by_rank() -> None:
    # In each split `good` puts every success above every failure, `bad` the other way round. The scores of the two
    # splits are not comparable: put together as they are, `good` would win 12 of 16 pairs.
    first = pd.DataFrame({"label": [0, 0, 1, 1], "good": [0.1, 0.2, 0.3, 0.4], "bad": [4.0, 3.0, 2.0, 1.0]})
    second = pd.DataFrame({"label": [0, 0, 1, 1], "good": [0.6, 0.7, 0.8, 0.9], "bad": [0.4, 0.3, 0.2, 0.1]})
    blocks = [frame.assign(participant_id=["a", "b", "c", "d"]) for frame in (first, second)]
    found = pooled_difference(blocks, "good", "bad")
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert found.interval is None  # two surgeons with a success are too few, though there are four such trials


def test_equal_scores_share_a_rank() -> None:
    block = pd.DataFrame({"label": [0, 1], "constant": [0.5, 0.5], "right": [0.0, 1.0], "participant_id": ["a", "b"]})
    found = pooled_difference([block, block], "right", "constant")
    assert found is not None
    assert found.value == pytest.approx(0.5)


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        out.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        complete(tmp_path / "data" / "set", fail)
    assert list((tmp_path / "data").iterdir()) == []
    assert complete(tmp_path / "data" / "set", Path.mkdir) == tmp_path / "data" / "set"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["set"]
    complete(tmp_path / "data" / "set", fail)  # is there already


def test_stages_share_the_time_of_a_run() -> None:
    def stage(name: str, time: float) -> dict[str, object]:
        return {"type": "stage", "stage": name, "time": time}

    events = [
        stage("Reading", 12.0),
        {"type": "machine", "time": 13.0},
        stage("Fitting", 15.0),
        stage("Reading", 16.0),
        {"type": "ended", "time": 18.5},
    ]
    found = stage_seconds(events, began=10.0)
    assert list(found.items()) == [("Starting", 2.0), ("Reading", 5.5), ("Fitting", 1.0)]


def test_tables_and_differences() -> None:
    assert markdown(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert difference_text(0.1234, (-0.05, 0.2)) == "+0.123 (-0.050 to +0.200)"
    assert difference_text(0.0, None) == "+0.000 (no interval)"
    assert difference_text(None, None) == "-"
