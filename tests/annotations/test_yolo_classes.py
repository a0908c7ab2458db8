"""Names of YOLO's classes: the files that give them, and classes without one."""

import json
from pathlib import Path

import pytest

from socal_core.dataset.dataset import Severity
from tests.annotations.yolo_files import BOX, ROW, STEM, boxes_in, known_frames, read
from tests.dataset.editing import found, put


def notes(**numbers: int | str) -> str:
    """Label Studio's notes.json."""
    return json.dumps({"categories": [{"id": number, "name": name} for name, number in numbers.items()]})


LISTED = "names:\n- 'no'\n- suction\n"
MAPPED = "nc: 2\nnames: {1: suction, 0: no}\n"


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"classes.txt": "no\nsuction\n"}, ["no", "suction"]),
        ({"classes.txt": "\ufeffno\r\nsuction"}, ["no", "suction"]),
        ({"classes.txt": "\n suction \n"}, ["class 0", "suction"]),
        ({"classes.txt": "no\nsuction".encode("utf-16")}, ["no", "suction"]),
        ({"labels/classes.txt": "no\nsuction\n"}, ["no", "suction"]),
        ({"obj.names": "no\nsuction\n"}, ["no", "suction"]),
        ({"data.yaml": LISTED}, ["no", "suction"]),
        ({"data.yaml": MAPPED}, ["no", "suction"]),
        ({"labels/socal.yml": MAPPED}, ["no", "suction"]),
        ({"a.yaml": "service: names\n", "b.yaml": "nc: 2\n", "c.yaml": LISTED}, ["no", "suction"]),
        ({"classes.txt": "no\nsuction\n", "data.yaml": "names: [No, suction, grasper]\n"}, ["no", "suction"]),
        ({"classes.txt": "no\nsuction\n", "data.yaml": "names: [a, b]\n"}, ["class 0", "class 1"]),
        ({"classes.txt": "no\nsuction\n", "labels/classes.txt": "suction\nno\n"}, ["class 0", "class 1"]),
        ({"Classes.txt": "no\nsuction\n"}, ["no", "suction"]),
        ({"classes.txt": "no\nsuction\n", "notes.json": notes(suction=0, no=1)}, ["suction", "no"]),
        ({"classes.txt": "no\nsuction\n", "notes.json": notes(no=0, suction=1)}, ["no", "suction"]),
        ({"classes.txt": "no\ngrasper\n", "notes.json": notes(suction=0, no=1)}, ["class 0", "class 1"]),
        ({"notes.json": notes(no="0", suction="1")}, ["no", "suction"]),
        ({"classes.txt": "no\nsuction\n", "notes.json": "[1, 2]"}, ["no", "suction"]),
        ({"data.yaml": "names: [a, b]", "a.yaml": "names: [c, d]"}, ["a", "b"]),
        ({"data.yaml": "names: [no]"}, ["no", "class 1"]),
        ({"data.yaml": "names: {zero: a, 1: suction, 2: [x]}"}, ["class 0", "suction"]),
        ({"data.yaml": "names: suction"}, ["class 0", "class 1"]),
        ({"data.yaml": "names: &a [*a, suction]"}, ["class 0", "suction"]),
    ],
)
def test_class_names(tmp_path: Path, files: dict[str, str | bytes], labels: list[str]) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW + ROW.replace("0", "1", 1), **files})
    rows, problems = read(tmp_path)
    assert rows.boxes["label"].tolist() == labels
    nameless = [problem for problem in problems if problem.code == "class-without-name"]
    assert len(nameless) == any(label.startswith("class") for label in labels)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: [a, b", "but got"),
        ("names: " + "[" * 3000, "nested too deeply"),
        ("names: \0", "it is not YAML"),
        ("names: [" + "a, " * 100_000 + "]", "more than the 200,000"),
        ("names: *unknown", "undefined alias"),
    ],
)
def test_yaml_that_cannot_be_read(tmp_path: Path, content: str, said: str) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": content})
    rows, problems = read(tmp_path)
    (problem,) = found(problems, "unreadable-file")
    assert (problem.severity, problem.path) == (Severity.ERROR, "data.yaml")
    assert said in problem.parameters["reason"]
    assert rows.boxes["label"].tolist() == ["class 0"]


@pytest.mark.parametrize("content", ["names: !!python/object/apply:os.system [exit]", "names: {<<: {0: a}}"])
def test_yaml_builds_no_objects(tmp_path: Path, content: str) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": content})
    assert read(tmp_path)[0].boxes["label"].tolist()[0] in ("exit", "class 0")


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    bomb = "a0: &a0 {k: v}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 40)
    )
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "data.yaml": f"{bomb}names: [*a39, suction]\n"})
    texts, codes = boxes_in(tmp_path)
    assert texts == [BOX]
    assert "class-without-name" in codes


def test_classes_without_a_name_are_told_once(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": "".join(f"{at % 12} 0.5 0.5 0.2 0.4\n" for at in range(24))})
    rows, problems = read(tmp_path)
    (problem,) = problems
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "class-without-name", Severity.WARNING, "labels", 24,
    )  # fmt: skip
    labels = "class 0, class 1, class 2, class 3, class 4, …"
    assert problem.parameters == {"labels": labels, "where": "classes.txt"}
    assert rows.boxes["track_id"].isna().all()


def test_another_order_is_told(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "classes.txt": "no\nsuction\n", "notes.json": notes(suction=0, no=1)})
    (problem,) = read(tmp_path)[1]
    assert (problem.code, problem.severity, problem.path) == ("other-class-order", Severity.WARNING, "classes.txt")
    assert problem.parameters == {"used": "notes.json"}


def test_names_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    put(tmp_path, {f"labels/{STEM}.txt": ROW, "classes.txt": "no\nsuction\n", "data.yaml": "names: [suction, no]"})
    first, second = read(tmp_path)[1]
    assert (first.code, second.code) == ("class-without-name", "contradicting-class-names")
    assert second.parameters == {"other": "data.yaml"}


def test_names_of_each_folder(tmp_path: Path) -> None:
    """As LabelImg writes them: in the order in which they were first used there."""
    frames = [f"S{surgeon}T1/00000001" for surgeon in (100, 101, 102)]
    put(tmp_path, {f"labels/{frame}.txt": ROW for frame in frames})
    put(tmp_path, {"labels/S100T1/classes.txt": "suction\n", "labels/S101T1/classes.txt": "grasper\nsuction\n"})
    rows, problems = read(tmp_path, known_frames(*(f"{frame}.jpeg" for frame in frames)))
    assert rows.boxes["label"].tolist() == ["suction", "grasper", "class 0"]
    assert [(problem.code, problem.count) for problem in problems] == [("class-without-name", 1)]
