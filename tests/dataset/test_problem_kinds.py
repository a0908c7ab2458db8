"""The catalogue of problems. The snapshot of its texts is docs/problems.md, see tests/scripts."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds import SUBJECTS, all_kinds, kinds_of
from socal_core.dataset.problem_kinds.kind import ProblemKind

CORE = Path(__file__).resolve().parents[2] / "socal_core"
CATALOGUE = CORE / "dataset" / "problem_kinds"
KINDS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": kind
    for subject, module in SUBJECTS.items()
    for name, kind in kinds_of(subject).items()
}
"""By the name that readers use, such as `box_kinds.BAD_CLASS`."""


def nodes_of_readers() -> Iterator[ast.AST]:
    for part in (CORE / "dataset", CORE / "annotations"):
        for path in part.rglob("*.py"):
            if CATALOGUE not in path.parents:
                yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def name_of(node: ast.AST) -> str:
    """`module.NAME` of an attribute of a name, "" for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def test_codes_are_unique() -> None:
    assert [code for code, times in Counter(kind.code for kind in all_kinds()).items() if times > 1] == []


@pytest.mark.slow
def test_every_kind_is_used_by_a_reader() -> None:
    modules = {name.partition(".")[0] for name in KINDS}
    used = {name_of(node) for node in nodes_of_readers()}
    assert {name for name in used if name.partition(".")[0] in modules} == set(KINDS)


def test_every_call_gives_what_the_texts_name() -> None:
    """A row of a table gives its columns; here are the calls that name each value."""
    checked, lacking = set(), []
    for node in nodes_of_readers():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add"):
            continue
        name = name_of(node.args[0])
        if name in KINDS:
            checked.add(name)
            given = {"path", "count", *(keyword.arg for keyword in node.keywords)}
            lacking += [f"{name} lacks {field}" for field in sorted(KINDS[name].fields - given)]
    assert len(checked) > len(KINDS) / 3
    assert lacking == []


def test_nobody_makes_a_kind_outside_the_catalogue() -> None:
    makers = [path for path in CORE.rglob("*.py") if "ProblemKind(" in path.read_text(encoding="utf-8")]
    assert [path for path in makers if CATALOGUE not in path.parents] == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_constant_is_called_as_its_code(subject: str) -> None:
    kinds = kinds_of(subject)
    assert list(kinds) == [kind.code.upper().replace("-", "_") for kind in kinds.values()]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.code)
def test_an_entry_says_what_is_wrong_and_what_to_do(kind: ProblemKind) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", kind.code)
    assert re.fullmatch(r"[A-Z].*[^.]", kind.title)
    assert re.fullmatch(r"[A-Za-z{].*\.", kind.message)
    assert re.fullmatch(r"[A-Z].*\.", kind.advice) or (kind.advice == "" and kind.severity is Severity.INFO)


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.code)
def test_the_texts_can_be_filled_in_with_numbers_and_with_texts(kind: ProblemKind) -> None:
    formats = {name: spec for _, name, spec, _ in Formatter().parse(f"{kind.message} {kind.advice}") if name}
    assert kind.fields == set(formats)
    for value, shown in ((1234, "1,234"), ("text", "text")):
        text = kind.text(dict.fromkeys(kind.fields, value))
        assert "{" not in text
        assert text.count(shown) >= sum(spec == "," for spec in formats.values())
