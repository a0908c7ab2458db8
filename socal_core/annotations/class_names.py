"""The names of classes that annotation files give by number: where they stand, and the labels that follow."""

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
"""The number of a box whose file gives no class."""

_LIST_FILE = "classes.txt"
_YAML_FILE = "data.yaml"
_NOTES_FILE = "notes.json"
"""Label Studio's, beside its classes.txt."""
_LARGEST_FILE = 200_000
"""Bytes; ten thousand classes."""
_MOST_TABLES = 10
_SHOWN_NUMBERS = 5


def find_names(folder: DataFolder, places: Iterable[str], log: ProblemLog) -> tuple[str, dict[int, str]]:
    """Find the names of the classes of YOLO's numbers.

    Args:
        folder: The data folder.
        places: Folders that are looked into: for classes.txt, *.names, data.yaml and notes.json, or else any *.yaml
            with `names`.
        log: Takes what is wrong with the files, and files that contradict each other.

    Returns:
        The file, and its names by number; none where no file has any, or where files contradict each other.
    """
    listings = [(place, files) for place in places if (files := _files_in(folder, place))]
    paths = [f"{place}/{name}".lstrip("/") for place, files in listings for name in _sure_names(files)]
    found = {path: names for path in paths if (names := _names_in(folder, path, log))}
    if found:
        return _agreed(found, log)
    for place, files in listings:
        for name in [name for name in files if name.endswith((".yaml", ".yml"))][:_MOST_TABLES]:
            path = f"{place}/{name}".lstrip("/")
            names = {} if path in paths else _yaml_names(folder, path, log)
            if names:
                return path, names
    return "", {}


def label_classes(
    folder: DataFolder,
    places: list[str],
    files: pd.Index,
    number: NDArray[np.int32],
    classes: NDArray[np.int64],
    log: ProblemLog,
) -> pd.Index:
    """Label the boxes of YOLO's files.

    A folder below those of `places` with names of its own, as LabelImg writes them into each folder, is labelled by
    these.

    Args:
        folder: The data folder.
        places: The folders of label files; the first is named in problems.
        files: The label files.
        number: The file of each box, by its place in `files`.
        classes: The class number of each box.
        log: Takes classes without a name.

    Returns:
        The label of each box.
    """
    tables = {"": find_names(folder, dict.fromkeys(["", *places]), log)}
    parents = [file.rpartition("/")[0] for file in files]
    for parent in sorted(set(parents).difference(places, [""])):
        path, names = find_names(folder, [parent], log)
        tables[parent] = (path, names) if names else tables[""]
        if names:
            log.add_evidence(path, f"It names the classes of the labels in {parent}.", "It lies in that folder.")
    if len(tables) == 1:  # the usual case of millions of boxes
        return to_labels(classes, tables[""][1], tables[""][0] or places[0] or "*.txt", _LIST_FILE, log)
    keys = {key: n for n, key in enumerate(tables)}
    own = np.array([keys.get(parent, 0) for parent in parents], np.int64)[number]
    labels = np.full(len(classes), "", dtype=object)
    for key, (path, names) in tables.items():
        chosen = own == keys[key]
        where = f"{key}/{_LIST_FILE}".lstrip("/")
        labels[chosen] = to_labels(classes[chosen], names, path or places[0] or "*.txt", where, log)
    index: pd.Index = pd.Index(labels, dtype="str")
    return index


def _files_in(folder: DataFolder, place: str) -> list[str]:
    try:
        return folder.listing(place).files
    except OSError:
        return []


def _sure_names(files: list[str]) -> list[str]:
    """The files of a folder that name classes by what they are called, classes.txt first."""
    lists = [name for name in files if name.lower() == _LIST_FILE or name.endswith(".names")]
    return sorted(lists, key=_LIST_FILE.__ne__) + [name for name in (_YAML_FILE, _NOTES_FILE) if name in files]


def _names_in(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """The names of a file, by its kind."""
    if path.endswith(_NOTES_FILE):
        return _notes_names(folder, path, log)
    return _yaml_names(folder, path, log) if path.endswith(_YAML_FILE) else list_names(folder, path, 0, log)


def _agreed(found: dict[str, dict[int, str]], log: ProblemLog) -> tuple[str, dict[int, str]]:
    """The first file and its names where all files agree, or that of Label Studio's notes, which gives the numbers."""
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


def _notes_names(folder: DataFolder, path: str, log: ProblemLog) -> dict[int, str]:
    """The names by id of Label Studio's notes; none when it is another file of that name."""
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
