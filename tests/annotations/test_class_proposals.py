"""Names proposed for classes that a format gives only by number."""

import json
from pathlib import Path

import pytest

from socal_core.annotations import yolo
from socal_core.annotations.agreement import compare_formats
from socal_core.dataset import layout
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import put
from tests.factories import write_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two trials of four frames, with 8 suction and 4 grasper boxes as CSV and, without names, as YOLO."""
    root = write_dataset(tmp_path / "data", surgeons=1, frames=4)
    yolo.write(open_dataset(root), root)
    (root / "classes.txt").unlink()
    return root


def number_of(label: str) -> int:
    return layout.LABELS.index(label)


def told(folder: Path, options: OpenOptions | None = None) -> list[str]:
    (proposal,) = compare_formats(folder, options).proposals
    return [match.text() for match in proposal.matches]


def in_order(*texts: tuple[str, str]) -> list[str]:
    return [f"class {number_of(label)} {text}" for label, text in sorted(texts, key=lambda one: number_of(one[0]))]


def rewrite(folder: Path, label: str, other: str, count: int) -> None:
    """Give the first boxes of a label in the CSV another label."""
    file = folder / layout.BOXES_FILE
    file.write_text(file.read_text().replace(f",{label}\n", f",{other}\n", count))


@pytest.mark.slow
@pytest.mark.parametrize("options", [OpenOptions(), OpenOptions(boxes="yolo")])
def test_each_class_is_described_by_its_boxes_in_the_other_format(folder: Path, options: OpenOptions) -> None:
    assert told(folder, options) == in_order(
        ("suction", "is suction in 8 of 8 boxes"), ("grasper", "is grasper in 4 of 4 boxes")
    )


@pytest.mark.slow
def test_the_lines_written_as_proposed_make_the_formats_agree(folder: Path) -> None:
    (proposal,) = compare_formats(folder).proposals
    assert proposal.files == ("classes.txt",)
    assert proposal.lines[number_of("suction")] == "suction"
    assert not compare_formats(folder).agrees(), "nothing is applied on its own"
    (folder / "classes.txt").write_text("".join(f"{line}\n" for line in proposal.lines))
    result = compare_formats(folder)
    assert result.agrees()
    assert result.proposals == ()


@pytest.mark.slow
def test_names_that_are_known_stay_and_unknown_numbers_keep_their_number(folder: Path) -> None:
    own = sorted(("suction", "grasper"), key=number_of)
    put(folder, {"data.yaml": f"names: {{{number_of(own[0])}: {own[0]}, 9: clip}}"})
    (proposal,) = compare_formats(folder).proposals
    assert [match.label for match in proposal.matches] == [own[1]]
    expected = [f"class {number}" for number in range(10)]
    expected[number_of(own[0])], expected[number_of(own[1])], expected[9] = *own, "clip"
    assert list(proposal.lines) == expected


def test_names_that_may_be_counted_from_another_start_are_not_kept(folder: Path) -> None:
    own = sorted(("suction", "grasper"), key=number_of)
    first, second = map(number_of, own)
    shifted = {number + 1: name for number, name in ((first, own[0]), (second, "other"))}
    put(folder, {"data.yaml": f"names: {shifted}"})
    rewrite(folder, own[1], "drill", 1)  # so that its class is not clear
    (proposal,) = compare_formats(folder).proposals
    expected = [f"class {number}" for number in range(second + 1)]
    expected[first] = own[0]
    assert list(proposal.lines) == expected


@pytest.mark.slow
def test_a_name_is_not_proposed_if_many_boxes_have_another_label(folder: Path) -> None:
    rewrite(folder, "suction", "drill", 1)
    assert "suction in 7 of 8 boxes, which is not clear" in " ".join(told(folder))
    (proposal,) = compare_formats(folder).proposals
    assert "suction" not in proposal.lines


@pytest.mark.slow
def test_one_label_is_not_proposed_for_two_classes(folder: Path) -> None:
    rewrite(folder, "grasper", "suction", 4)
    assert told(folder) == in_order(
        ("suction", "is suction in 8 of 8 boxes, which is not clear"),
        ("grasper", "is suction in 4 of 4 boxes, which is not clear"),
    )
    (proposal,) = compare_formats(folder).proposals
    assert (proposal.files, proposal.lines) == ((), ())


def test_boxes_that_the_other_format_lacks_count_against_a_name(folder: Path) -> None:
    file = folder / layout.BOXES_FILE
    file.write_text("".join(row for row in file.read_text().splitlines(True) if "grasper" not in row))
    assert f"class {number_of('grasper')} has no box there (4 here)" in told(folder)


def test_mot_counts_classes_from_1_and_all_trials_get_the_same_lines(tmp_path: Path) -> None:
    root = write_dataset(tmp_path / "data", surgeons=1, frames=2)
    rows = "1,1,2,5,10,15,1,2,1\n2,1,3,5,10,15,1,2,1\n"
    put(root, {f"{trial}/gt/gt.txt": rows for trial in ("S100T1", "S100T2")})
    (proposal,) = compare_formats(root).proposals
    assert [match.text() for match in proposal.matches] == ["class 2 is suction in 4 of 4 boxes"]
    assert proposal.files == ("S100T1/gt/labels.txt", "S100T2/gt/labels.txt")
    assert proposal.lines == ("class 1", "suction")


def test_without_a_format_that_names_its_classes_there_is_no_proposal(folder: Path) -> None:
    (folder / layout.BOXES_FILE).unlink()
    put(folder, {"S100T1/gt/gt.txt": "1,1,2,5,10,15,1,2,1\n"})
    assert compare_formats(folder).proposals == ()


def test_the_proposal_is_in_the_sentences_and_in_json(folder: Path) -> None:
    result = compare_formats(folder)
    assert result.sentences()[-1] == (
        "YOLO text files: some classes have no name. By their boxes in SOCAL CSV, class 0 is suction in 8 of 8 boxes; "
        "class 1 is grasper in 4 of 4 boxes. These names are not applied on their own."
    )
    value = json.loads(json.dumps(result.as_dict()))
    assert value["class_names"][0]["files"] == ["classes.txt"]
