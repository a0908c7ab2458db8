"""The names of classes that annotation files give by number: where they stand, and the labels that follow."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml  # type: ignore[import-untyped]
from numpy.typing import NDArray

from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds, file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.dataset.tables import read_text
from socal_core.errors import DataError

NO_CLASS = -1
"""The number of a box whose file gives no class."""

_LIST_FILE = "classes.txt"
_YAML_FILE = "data.yaml"
_LARGEST_FILE = 200_000
"""Bytes; ten thousand classes."""
_MOST_TABLES = 10
_SHOWN_NUMBERS = 5


def find_names(folder: DataFolder, places: Iterable[str], log: ProblemLog) -> tuple[str, dict[int, str]]:
    """The file that names the classes of YOLO's numbers, and the names; "" and none where no file does.

    Looked for in each folder of `places` in turn: classes.txt, *.names, data.yaml, another *.yaml with `names`.
    """
    for place in places:
        try:
            files = folder.listing(place).files
        except OSError:
            continue
        lists = [name for name in files if name == _LIST_FILE or name.endswith(".names")]
        tables = [name for name in files if name.endswith((".yaml", ".yml"))]
        for name in (*sorted(lists, key=_LIST_FILE.__ne__), *sorted(tables, key=_YAML_FILE.__ne__)[:_MOST_TABLES]):
            path = f"{place}/{name}".lstrip("/")
            names = _yaml_names(folder, path, log) if name in tables else list_names(folder, path, 0, log)
            if names:
                return path, names
    return "", {}


def list_names(folder: DataFolder, path: str, first: int, log: ProblemLog) -> dict[int, str]:
    """The names by class number of a file with one name a line, whose first line is class `first`."""
    text = _small_text(folder, path, log)
    names = {number: line.strip() for number, line in enumerate(text.split("\n"), start=first)}
    return {number: name for number, name in names.items() if name}


def to_labels(numbers: NDArray[np.int64], names: Mapping[int, str], path: str, where: str, log: ProblemLog) -> pd.Index:
    """The label of each class number, `class 4` where it has no name and `no class` for NO_CLASS.

    One problem of `path` for all that have no name; `where` says where names are looked for.
    """
    distinct, inverse = np.unique(numbers, return_inverse=True)
    labels = [_label(number, names) for number in distinct.tolist()]
    nameless = [place for place, number in enumerate(distinct.tolist()) if number not in names]
    if nameless:
        count = int(np.isin(inverse, nameless).sum())
        shown = ", ".join(labels[place] for place in nameless[:_SHOWN_NUMBERS])
        more = ", …" if len(nameless) > _SHOWN_NUMBERS else ""
        log.add(box_kinds.CLASS_WITHOUT_NAME, path, count=count, labels=f"{shown}{more}", where=where)
    return pd.Index(labels, dtype="str").take(inverse)


def _label(number: int, names: Mapping[int, str]) -> str:
    return "no class" if number == NO_CLASS else names.get(number, f"class {number}")


def _small_text(folder: DataFolder, path: str, log: ProblemLog) -> str:
    """The text of a file of names; "" and a problem when it cannot be read."""
    try:
        folder.read(path, _LARGEST_FILE)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, path, reason=error)
        return ""
    return read_text(folder, path, log) or ""


def _yaml_names(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """What stands under `names` in a YAML file, a list or a mapping from numbers; none when nothing does."""
    text = _small_text(folder, path, log)
    if "names" not in text:
        return {}
    try:
        # The parsed nodes are enough. No value is built from them: a label `no` stays text, merge keys cannot multiply.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        reason = printable(getattr(error, "problem", None) or "it is nested too deeply, or no text")
        log.add(file_kinds.UNREADABLE_FILE, path, row=row, reason=f"it is not YAML: {reason}")
        return {}
    for key, value in _pairs(root):
        if key.value == "names":
            return _names_of(value)
    return {}


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _names_of(node: Any) -> dict[int, str]:
    if isinstance(node, yaml.SequenceNode):
        named = list(enumerate(node.value))
    else:
        named = [(int(key.value), value) for key, value in _pairs(node) if _is_number(key)]
    return {number: name.value.strip() for number, name in named if _is_name(name)}


def _is_number(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value.isdecimal() and len(node.value) < 10


def _is_name(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.value.strip())
