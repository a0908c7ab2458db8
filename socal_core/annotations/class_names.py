"""Find the names of classes that annotation files give by number, and label boxes with them."""

import json
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
"""The class number of a box whose file gives no class."""

_LIST_FILE = "classes.txt"
_YAML_FILE = "data.yaml"
_NOTES_FILE = "notes.json"
"""Written by Label Studio beside its classes.txt."""
_LARGEST_FILE = 200_000
"""Bytes, enough for ten thousand classes."""
_MOST_TABLES = 10
_SHOWN_NUMBERS = 5


def find_names(folder: DataFolder, parents: Iterable[str], log: ProblemLog) -> tuple[str, dict[int, str]]:
    """Find the names of YOLO's class numbers.

    Args:
        folder: The data folder.
        parents: The folders to search for classes.txt, *.names, data.yaml and notes.json, or else for any *.yaml with
            `names`.
        log: Receives problems of the files, and files that contradict each other.

    Returns:
        The file and its names by class number; no names if no file has any, or if files contradict each other.
    """
    listings = [(parent, files) for parent in parents if (files := _files_in(folder, parent))]
    paths = [f"{parent}/{name}".lstrip("/") for parent, files in listings for name in _sure_names(files)]
    found = {path: names for path in paths if (names := _names_in(folder, path, log))}
    if found:
        return _agreed(found, log)
    for parent, files in listings:
        for name in [name for name in files if name.endswith((".yaml", ".yml"))][:_MOST_TABLES]:
            path = f"{parent}/{name}".lstrip("/")
            names = {} if path in paths else _yaml_names(folder, path, log)
            if names:
                return path, names
    return "", {}


def label_classes(
    folder: DataFolder,
    label_folders: list[str],
    files: pd.Index,
    number: NDArray[np.int32],
    classes: NDArray[np.int64],
    log: ProblemLog,
) -> pd.Index:
    """Label the boxes of YOLO's files.

    LabelImg writes the class names into each folder. So a folder below `label_folders` that has its own names uses
    those.

    Args:
        folder: The data folder.
        label_folders: The folders of label files; problems name the first.
        files: The label files.
        number: The index in `files` of the file of each box.
        classes: The class number of each box.
        log: Receives the classes without a name.

    Returns:
        The label of each box.
    """
    tables = {"": find_names(folder, dict.fromkeys(["", *label_folders]), log)}
    parents = [file.rpartition("/")[0] for file in files]
    for parent in sorted(set(parents).difference(label_folders, [""])):
        path, names = find_names(folder, [parent], log)
        tables[parent] = (path, names) if names else tables[""]
        if names:
            log.add_evidence(path, f"It names the classes of the labels in {parent}.", "It lies in that folder.")
    if len(tables) == 1:  # the usual case of millions of boxes
        return to_labels(classes, tables[""][1], tables[""][0] or label_folders[0] or "*.txt", _LIST_FILE, log)
    keys = {key: n for n, key in enumerate(tables)}
    own = np.array([keys.get(parent, 0) for parent in parents], np.int64)[number]
    labels = np.full(len(classes), "", dtype=object)
    for key, (path, names) in tables.items():
        chosen = own == keys[key]
        where = f"{key}/{_LIST_FILE}".lstrip("/")
        labels[chosen] = to_labels(classes[chosen], names, path or label_folders[0] or "*.txt", where, log)
    index: pd.Index = pd.Index(labels, dtype="str")
    return index


def _files_in(folder: DataFolder, parent: str) -> list[str]:
    try:
        return folder.listing(parent).files
    except OSError:
        return []


def _sure_names(files: list[str]) -> list[str]:
    """Return the files whose own name shows that they hold class names, classes.txt first."""
    lists = [name for name in files if name.lower() == _LIST_FILE or name.endswith(".names")]
    return sorted(lists, key=_LIST_FILE.__ne__) + [name for name in (_YAML_FILE, _NOTES_FILE) if name in files]


def _names_in(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """Read the names from a file according to its kind."""
    if path.endswith(_NOTES_FILE):
        return _notes_names(folder, path, log)
    return _yaml_names(folder, path, log) if path.endswith(_YAML_FILE) else list_names(folder, path, 0, log)


def _agreed(found: dict[str, dict[int, str]], log: ProblemLog) -> tuple[str, dict[int, str]]:
    """Choose a file and its names: the first if all agree, or else Label Studio's notes, which give the numbers."""
    path, names = next(iter(found.items()))
    other = next((own for own in found if _contradict(names, found[own])), None)
    if other is None:
        return path, names
    notes = [own for own in found if own.endswith(_NOTES_FILE)]
    lists = [own for own in found if own not in notes]
    if len(notes) == 1 and all(sorted(found[own].values()) == sorted(found[notes[0]].values()) for own in lists):
        used = notes[0]
        log.add(box_kinds.OTHER_CLASS_ORDER, path, used=used)
        log.add_evidence(
            used, "It gives the number of each class.", f"Label Studio numbers its rows so; {path} is a list."
        )
        return used, found[used]
    log.add(box_kinds.CONTRADICTING_CLASS_NAMES, path, other=other)
    return path, {}


def _contradict(names: Mapping[int, str], others: Mapping[int, str]) -> bool:
    return any(names[number].lower() != others[number].lower() for number in names.keys() & others.keys())


def list_names(folder: DataFolder, path: str, first: int, log: ProblemLog) -> dict[int, str]:
    """Read a file with one name per line.

    Args:
        folder: The data folder.
        path: The file.
        first: The class number of the first line.
        log: Receives a problem if the file cannot be read.

    Returns:
        The names by class number.
    """
    text = _small_text(folder, path, log)
    names = {number: line.strip() for number, line in enumerate(text.split("\n"), start=first)}
    return {number: name for number, name in names.items() if name}


def to_labels(numbers: NDArray[np.int64], names: Mapping[int, str], path: str, where: str, log: ProblemLog) -> pd.Index:
    """Return the label of each class number: `class 4` without a name, and `no class` for NO_CLASS.

    Args:
        numbers: Class numbers; (n,).
        names: The names by class number.
        path: The file, for the problem.
        where: Where the user can add names, for the problem.
        log: Receives one problem for all classes without a name.
    """
    distinct, inverse = np.unique(numbers, return_inverse=True)
    if other_start(distinct.tolist(), names):
        report_shift(distinct.tolist(), names, path, len(numbers), log)
        names = {}
    labels = [_label(number, names) for number in distinct.tolist()]
    nameless = [row for row, number in enumerate(distinct.tolist()) if number not in names]
    if nameless:
        count = int(np.isin(inverse, nameless).sum())
        shown = ", ".join(labels[row] for row in nameless[:_SHOWN_NUMBERS])
        more = ", …" if len(nameless) > _SHOWN_NUMBERS else ""
        log.add(box_kinds.CLASS_WITHOUT_NAME, path, count=count, labels=f"{shown}{more}", where=where)
    return pd.Index(labels, dtype="str").take(inverse)


def other_start(used: Iterable[int], names: Mapping[int, str]) -> int:
    """Return 1 or -1 if class numbers have names only if these are counted from 1 more or 1 less; otherwise 0.

    Tools count classes from 0 or from 1. Numbers that all have a name are taken as they are.
    """
    given = {number for number in used if number != NO_CLASS}
    if not names or not given or given <= names.keys():
        return 0
    return next((by for by in (1, -1) if all(number - by in names for number in given)), 0)


def report_shift(used: Iterable[int], names: Mapping[int, str], path: str, count: int, log: ProblemLog) -> None:
    """Report that the class numbers of a file fit its names only if they are counted from another start."""
    given = sorted(number for number in used if number != NO_CLASS)
    kind, first, last = box_kinds.CLASS_NUMBERS_SHIFTED, min(names), max(names)
    log.add(kind, path, count=count, lowest=given[0], highest=given[-1], first=first, last=last)


def _label(number: int, names: Mapping[int, str]) -> str:
    return "no class" if number == NO_CLASS else names.get(number, f"class {number}")


def _small_text(folder: DataFolder, path: str, log: ProblemLog) -> str:
    """Read a file of names; return "" and report a problem if it cannot be read."""
    try:
        folder.read(path, _LARGEST_FILE)
    except DataError as error:
        log.add(file_kinds.UNREADABLE_FILE, path, reason=error)
        return ""
    return read_text(folder, path, log) or ""


def _yaml_names(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """Read the list, or the mapping from numbers, under `names` in a YAML file; {} if there is none."""
    text = _small_text(folder, path, log)
    if "names" not in text:
        return {}
    try:
        # Only parse the nodes and build no values: a label `no` stays text, and merge keys cannot multiply.
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


def _notes_names(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """Read the names by id from Label Studio's notes; {} if the file is something else with that name."""
    try:
        content = json.loads(_small_text(folder, path, log), parse_int=str)
    except (ValueError, RecursionError):
        return {}
    entries = content.get("categories") if isinstance(content, dict) else None
    named: dict[int, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        number, name = (entry.get("id"), entry.get("name")) if isinstance(entry, dict) else (None, None)
        if isinstance(number, str) and number.isdecimal() and len(number) < 10 and isinstance(name, str):
            named[int(number)] = name.strip()
    return {number: name for number, name in named.items() if name}


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
