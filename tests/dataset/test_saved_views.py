"""socal_core.dataset.saved_views and filter_text."""

from pathlib import Path

import pytest

from socal_core.dataset.filter_text import filter_from_json, filter_in_words, filter_to_json
from socal_core.dataset.filters import OUTSIDE, TrialFilter, apply, only_usable
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.saved_views import (
    LONGEST_NAME,
    delete_view,
    rename_view,
    save_view,
    saved_views,
    view_named,
)
from socal_core.errors import ConfigError, DataError

FULL = TrialFilter(
    outcomes=(1, None),
    surgeons=("101", None),
    trial_numbers=(1, 2),
    cohorts=("USC",),
    training_statuses=(None,),
    labels=("grasper",),
    sizes=((64, 48), None),
    has_frames=True,
)
FIRST = TrialFilter(trial_numbers=(1,))


@pytest.mark.parametrize("chosen", [FULL, FIRST, TrialFilter(), TrialFilter(has_frames=False)])
def test_a_filter_survives_json(chosen: TrialFilter) -> None:
    assert filter_from_json(filter_to_json(chosen)) == chosen


def test_a_filter_in_words_names_every_choice() -> None:
    words = filter_in_words(FULL)
    for text in ("outcome Success, Unknown", "surgeon 101, Unknown", "boxes of grasper", "64 x 48", "With frames"):
        assert text in words
    assert filter_in_words(TrialFilter()) == "all trials"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"wards": ["A"]}', "field wards"),
        ('{"outcomes": ["1"]}', "field outcomes"),
        ('{"sizes": [[64]]}', "field sizes"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        filter_from_json(text)


def test_views_are_kept_for_each_folder(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert saved_views(one) == []
    assert save_view(one, "  first   trials ", FIRST) == "first trials"
    save_view(one, "all of it", FULL)
    assert [(view.name, view.filter) for view in saved_views(one)] == [("all of it", FULL), ("first trials", FIRST)]
    assert saved_views(other) == []
    save_view(one, "all of it", FIRST)
    assert view_named(one, "all of it").filter == FIRST
    (tmp_path / "link").symlink_to(one)
    assert saved_views(tmp_path / "link") == saved_views(one)


def test_views_are_renamed_and_deleted(tmp_path: Path) -> None:
    save_view(tmp_path, "a", FIRST)
    save_view(tmp_path, "b", FULL)
    with pytest.raises(ConfigError, match="has it already"):
        rename_view(tmp_path, "a", "b")
    with pytest.raises(ConfigError, match="must be the name of a saved view"):
        rename_view(tmp_path, "x", "y")
    assert rename_view(tmp_path, "a", " c ") == "c"
    delete_view(tmp_path, "b")
    delete_view(tmp_path, "b")
    assert [view.name for view in saved_views(tmp_path)] == ["c"]
    with pytest.raises(ConfigError, match="which are c, got 'a'"):
        view_named(tmp_path, "a")


def test_names_and_filters_that_make_no_view(tmp_path: Path) -> None:
    for name in (" ", "x" * (LONGEST_NAME + 1)):
        with pytest.raises(ConfigError, match="1 to 60 characters"):
            save_view(tmp_path, name, FIRST)
    with pytest.raises(ConfigError, match="choose trials first"):
        save_view(tmp_path, "all", TrialFilter())
    with pytest.raises(ConfigError, match="none is saved"):
        view_named(tmp_path, "all")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "it is damaged"),
        ("[]", "it has no views"),
        ('{"format": 1, "views": {"a": {"wards": []}}}', "view 'a': it has the field wards"),
        ('{"format": 2, "views": {}}', "Update the app"),
    ],
)
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, workspace: Path, content: str, problem: str) -> None:
    save_view(tmp_path, "a", FIRST)
    (file,) = (workspace / "views").glob("*.json")
    file.write_text(content)
    for action in (lambda: saved_views(tmp_path), lambda: save_view(tmp_path, "b", FULL)):
        with pytest.raises(DataError, match=problem) as error:
            action()
        assert file.name in str(error.value)
    assert file.read_text() == content


def test_only_trials_of_a_filter_stay_usable(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    part = only_usable(dataset, FIRST)
    assert list(part.usable_trials.index) == list(apply(dataset, FIRST).trials.index)
    assert set(part.trials.loc[~part.trials["usable"], "unusable_because"]) == {OUTSIDE}
    assert len(part.trials) == len(dataset.trials)
    assert part.boxes is dataset.boxes
