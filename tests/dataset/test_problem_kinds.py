"""The catalogue of problems. The snapshot of its texts is docs/problems.md, see tests/scripts."""

import ast
import re
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds import SUBJECTS, all_kinds, kinds_of
from socal_core.dataset.problem_kinds.kind import ProblemKind

CORE = Path(__file__).resolve().parents[2] / "socal_core"
CATALOGUE = CORE / "dataset" / "problem_kinds"
ALWAYS_KNOWN = {"path", "row", "count"}


def used_kinds() -> Counter[str]:
    """How often the readers name each constant, as `module.CONSTANT`."""
    modules = {module.__name__.rpartition(".")[2] for module in SUBJECTS.values()}
    used: Counter[str] = Counter()
    for path in CORE.rglob("*.py"):
        if CATALOGUE not in path.parents:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                    used[f"{node.value.id}.{node.attr}"] += 1
    return used


def test_codes_are_unique() -> None:
    assert [code for code, times in Counter(kind.code for kind in all_kinds()).items() if times > 1] == []


def test_every_kind_is_used_by_a_reader() -> None:
    names = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for subject, module in SUBJECTS.items()
        for name in kinds_of(subject)
    }
    assert names == set(used_kinds())


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
        text = kind.text(dict.fromkeys(kind.fields | ALWAYS_KNOWN, value))
        assert "{" not in text
        assert text.count(shown) >= sum(spec == "," for spec in formats.values())
