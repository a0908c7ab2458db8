"""Tables as spreadsheets save them: separators, decimal commas, quotes, encodings."""

from pathlib import Path

import pytest

from socal_core.annotations.convert import convert
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import read_table, to_numbers
from tests.dataset.editing import found, put

NAME = "table.csv"


def read(root: Path, data: str | bytes) -> tuple[list[list[str]], ProblemLog]:
    put(root, {NAME: data})
    log = ProblemLog()
    table = read_table(DataFolder(root), NAME, ["a", "b", "c"], [], log)
    assert table is not None
    return table.to_numpy().tolist(), log


def meanings(log: ProblemLog) -> list[str]:
    assert all(evidence.path == NAME and evidence.basis for evidence in log.evidence)
    return [evidence.interpretation for evidence in log.evidence]


SEMICOLONS, TABS = "Its fields are separated by semicolons.", "Its fields are separated by tabs."
COMMAS, DECIMAL = "Its fields are separated by commas.", "Numbers have a decimal comma."


@pytest.mark.parametrize(
    ("data", "rows", "said"),
    [
        ("a,b,c\n1,2,x\n", [["1", "2", "x"]], []),
        ("a;b;c\n1;2;x\n", [["1", "2", "x"]], [SEMICOLONS]),
        ("a\tb\tc\n1\t2\tx\n", [["1", "2", "x"]], [TABS]),
        ("\ufeffa;b;c\r\n1,5;2;x\r\n", [["1.5", "2", "x"]], [SEMICOLONS, DECIMAL]),
        ("a\tb\tc\r\n-1,25\t2\tx".encode("utf-16"), [["-1.25", "2", "x"]], [TABS, DECIMAL]),
        ("sep=;\na;b;c\n1;2;x\n", [["1", "2", "x"]], [SEMICOLONS]),
        ('"sep=,"\na,b,c\n1,2,x\n', [["1", "2", "x"]], [COMMAS]),
        ("sep=\t\r\na\tb\tc\r\n1\t2\tx\r\n", [["1", "2", "x"]], [TABS]),
        ('a;b;c\n1;2;"x; y"\n', [["1", "2", "x; y"]], [SEMICOLONS]),
        ('a,b,c\n1,2,"x, y"\n', [["1", "2", "x, y"]], []),
        ('a,b,c\n"1,5",2,x\n', [["1.5", "2", "x"]], [DECIMAL]),
        ("a,b,c\n1,2,x;y\n3,4,x;y;z\n", [["1", "2", "x;y"], ["3", "4", "x;y;z"]], []),
        ("a,\tb,\tc\n1,\t2,\tx\n", [["1", "2", "x"]], []),
        ("a;b;c\n1,5;1.200;x\n", [["1.5", "1200", "x"]], [SEMICOLONS, DECIMAL]),
        ("a;b;c\n1.200,5;0;x\n", [["1200.5", "0", "x"]], [SEMICOLONS, DECIMAL]),
        ("a;b;c\n1,500;1,25;x\n", [["1.500", "1.25", "x"]], [SEMICOLONS, DECIMAL]),
        ("a\tb\tc\n1,200\t2.5\tx\n", [["1200", "2.5", "x"]], [TABS]),
        ("a;b;c\n0,500;2;x\n", [["0.500", "2", "x"]], [SEMICOLONS, DECIMAL]),
    ],
)
def test_dialects(tmp_path: Path, data: str | bytes, rows: list[list[str]], said: list[str]) -> None:
    cells, log = read(tmp_path, data)
    assert cells == rows
    assert meanings(log) == said


@pytest.mark.parametrize("cells", ["1,200;5;x", "1.200;5;x", "1,5;2.5;x", '1,200;1.300;"x"'])
def test_ambiguous_numbers_are_not_used(tmp_path: Path, cells: str) -> None:
    (row,), log = read(tmp_path, f"a;b;c\n{cells}\n")
    (problem,) = log.problems()
    assert problem.code == "ambiguous-numbers"
    assert "ambiguous" in row[0]
    put(tmp_path, {NAME: f"a;b;c\n{cells}\n"})
    table = read_table(DataFolder(tmp_path), NAME, ["a"], [], ProblemLog())
    assert table is not None
    assert to_numbers(table["a"]).isna().all()


def test_a_quoted_number_with_a_comma_costs_itself_alone(tmp_path: Path) -> None:
    rows, log = read(tmp_path, 'a,b,c\n1.250,2,x\n"1,5",2.5,x\n')
    assert rows == [["1.250", "2", "x"], ["1,5 (ambiguous)", "2.5", "x"]]
    assert [problem.count for problem in log.problems()] == [1]


def test_lines_keep_their_numbers_below_a_declared_separator(tmp_path: Path) -> None:
    put(tmp_path, {NAME: "sep=;\n\na;b;c\n1;2;x\n"})
    table = read_table(DataFolder(tmp_path), NAME, ["a"], [], ProblemLog())
    assert table is not None
    assert table.index.tolist() == [4]


FRAME = "S100T1_frame_00000001.jpeg"
BOX = ["10", "5", "31", "25", "suction"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "text",
    [
        f"{FRAME};10;5;31;25;suction\n",
        f"{FRAME};10,2;5,1;30,6;25,4;suction\n",
        f"{FRAME}\t10\t5\t31\t25\tsuction\n",
        f'"image","xmin","ymin","xmax","ymax","label"\n"{FRAME}",10.248,5.119,30.614,25.419,"suction"\n',
        f"trial_frame,x1,y1,x2,y2,label\n{FRAME},10,5,31,25,suction\n",
        f"S100T1_frame_00000002.jpeg\n{FRAME};10;5;31;25;suction\n",
        f"sep=;\nframe;x1;y1;x2;y2;label\n{FRAME};10;5;31;25;suction\n",
    ],
)
def test_boxes_of_spreadsheets_and_vott(folder: Path, text: str) -> None:
    put(folder, {layout.BOXES_FILE: text})
    data = open_dataset(folder)
    assert data.boxes[["x1", "y1", "x2", "y2", "label"]].astype(str).to_numpy().tolist() == [BOX]
    meanings = [evidence.interpretation for evidence in data.evidence if evidence.path == layout.BOXES_FILE]
    assert any(meaning.startswith("Its ") for meaning in meanings) == ("trial_frame" not in text)


def test_corners_as_fractions_are_refused(folder: Path) -> None:
    put(folder, {layout.BOXES_FILE: f"{FRAME},0.1,0.2,0.5,1,suction\n"})
    data = open_dataset(folder)
    assert data.boxes.empty
    assert [problem.count for problem in found(data, "relative-corners")] == [1]


@pytest.mark.slow
def test_names_in_another_case(folder: Path) -> None:
    before = open_dataset(folder)
    for name in (layout.BOXES_FILE, layout.OUTCOMES_FILE, layout.MAPPING_FILE, layout.DEMOGRAPHICS_FILE):
        if (folder / name).exists():
            (folder / name).rename(folder / name.replace("socal", "SOCAL").replace("frame", "Frame"))
    after = open_dataset(folder)
    assert after.boxes.equals(before.boxes)
    assert after.trials.equals(before.trials)
    assert "SOCAL.csv is read as socal.csv." in [evidence.interpretation for evidence in after.evidence]


def test_names_that_differ_in_case_alone_are_refused(folder: Path) -> None:
    (folder / layout.OUTCOMES_FILE).rename(folder / "Socal_trial_outcomes.csv")
    put(folder, {"SOCAL_trial_outcomes.csv": "trial_id,success\nS100T1,0\n"})
    data = open_dataset(folder)
    assert data.trials["success"].isna().all()
    (problem,) = found(data, "ambiguous-case")
    assert problem.parameters == {"names": "SOCAL_trial_outcomes.csv, Socal_trial_outcomes.csv"}


@pytest.mark.slow
def test_a_table_in_another_dialect_and_case_is_converted(folder: Path, tmp_path: Path) -> None:
    table = (folder / layout.OUTCOMES_FILE).read_text().replace(",", ";")
    (folder / layout.OUTCOMES_FILE).unlink()
    put(folder, {"SOCAL_trial_outcomes.csv": f"sep=;\n{table.replace('tth', 'time', 1)}"})
    options = OpenOptions(columns=(("tth", "time"),))
    before = open_dataset(folder, options)
    convert(before, tmp_path / "out", "csv", True, lambda done, total: None, options)
    after = open_dataset(tmp_path / "out")
    assert before.trials["tth"].notna().any()
    assert after.trials.equals(before.trials)
