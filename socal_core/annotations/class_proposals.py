"""Propose names for classes that a format gives only by number, from the labels of the same boxes in another format.

A proposal is never applied automatically. The user checks it and saves the lines as the file of class names.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from socal_core.annotations.class_names import find_names, list_names
from socal_core.annotations.pairing import pair_boxes
from socal_core.dataset.dataset import Problem
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import box_kinds
from socal_core.dataset.problems import ProblemLog, printable

CLEAR = 0.9
"""A name is proposed if at least this fraction of all boxes of the class have the label in the other format."""
_NAMELESS = re.compile(r"class (0|[1-9][0-9]{0,8})")
"""The label that `to_labels` gives to a class without a name."""
_FIRST_LINE = {"yolo": 0, "mot": 1}
"""The class number of the first line of a file of names. Other formats hold the names themselves."""
_MOST_LINES = 1_000


@dataclass(frozen=True)
class ClassMatch:
    """The label that most boxes of a class without a name have in the other format."""

    number: int
    label: str
    """Empty if no box of the class is in the other format."""
    matched: int
    """The boxes of the class that have this label."""
    boxes: int
    """All boxes of the class."""
    is_clear: bool
    """Whether the label is proposed as the name: it is that of nearly all boxes, and no other class has it."""

    def text(self) -> str:
        """Describe the match, such as *class 3 is scissors in 95 of 95 boxes*."""
        if not self.label:
            return f"class {self.number} has no box there ({self.boxes:,} here)"
        doubt = "" if self.is_clear else ", which is not clear"
        return f"class {self.number} is {printable(self.label)} in {self.matched:,} of {self.boxes:,} boxes{doubt}"


@dataclass(frozen=True)
class NameProposal:
    """Names proposed for the classes of a format."""

    key: str
    """The format with classes without a name."""
    other: str
    """The format that has the labels."""
    matches: tuple[ClassMatch, ...]
    files: tuple[str, ...] = ()
    """The files of class names to write, relative to the data folder."""
    lines: tuple[str, ...] = ()
    """What to write into each of these files, one name per line; a class that stays unclear keeps its number. Empty if
    no name is clear, or if the files must differ."""

    def content(self) -> str:
        """Return the content of each file."""
        return "".join(f"{line}\n" for line in self.lines)


def propose_names(
    folder: DataFolder,
    files: Mapping[str, Sequence[str]],
    boxes: Mapping[str, pd.DataFrame],
    problems: Mapping[str, Sequence[Problem]],
) -> tuple[NameProposal, ...]:
    """Propose names for classes without one.

    Args:
        folder: The data folder.
        files: The files of each format.
        boxes: The valid boxes of each format, in the order of preference.
        problems: The problems found while reading each format.
    """
    numbers = {key: _nameless(table) for key, table in boxes.items()}
    other = next((key for key, found in numbers.items() if not found and len(boxes[key])), None)
    if other is None:
        return ()
    proposals = []
    for key in (key for key, found in numbers.items() if found):
        matches = _match(boxes[other], boxes[key], numbers[key])
        where = tuple(_names_files(problems[key]))
        lines = _lines(folder, key, files[key], where, matches)
        proposals.append(NameProposal(key, other, matches, where if lines else (), lines))
    return tuple(proposals)


def _nameless(boxes: pd.DataFrame) -> list[int]:
    """Return the numbers of the classes without a name, ascending."""
    found = (_NAMELESS.fullmatch(label) for label in boxes["label"].unique())
    return sorted(int(match[1]) for match in found if match)


def _match(named: pd.DataFrame, boxes: pd.DataFrame, numbers: list[int]) -> tuple[ClassMatch, ...]:
    pairs = pair_boxes(named, boxes)
    pairs = pairs[pairs["kind"] == "renamed"]
    own, given = (table["label"].take(pairs[name].to_numpy()) for table, name in ((boxes, "second"), (named, "first")))
    counts = pd.crosstab(own.to_numpy(), given.to_numpy())
    totals = boxes["label"].value_counts().to_dict()
    best = {number: _best(counts, f"class {number}") for number in numbers}
    taken = pd.Series([label for label, _ in best.values()] + boxes["label"].unique().tolist()).value_counts()
    return tuple(
        ClassMatch(
            number,
            label,
            matched,
            total := totals[f"class {number}"],
            bool(label) and taken[label] == 1 and matched >= CLEAR * total,
        )
        for number, (label, matched) in best.items()
    )


def _best(counts: pd.DataFrame, label: str) -> tuple[str, int]:
    """Return the label that most boxes of a class have in the other format, and their number."""
    if label not in counts.index:
        return "", 0
    own = counts.loc[label].to_dict()
    best = max(own, key=own.__getitem__)
    return str(best), own[best]


def _names_files(problems: Sequence[Problem]) -> list[str]:
    """Return the files in which names are missing."""
    nameless = [problem for problem in problems if problem.code == box_kinds.CLASS_WITHOUT_NAME.code]
    return list(
        dict.fromkeys(str(problem.parameters["where"]) for problem in nameless if "where" in problem.parameters)
    )


def _lines(
    folder: DataFolder, key: str, files: Sequence[str], where: Sequence[str], matches: Sequence[ClassMatch]
) -> tuple[str, ...]:
    """Return the lines of the files of names; () if no name is clear, or if the files must differ."""
    clear = {match.number: match.label for match in matches if match.is_clear}
    if key not in _FIRST_LINE or not where or not clear:
        return ()
    first, log = _FIRST_LINE[key], ProblemLog()
    if key == "yolo":
        known = [find_names(folder, ["", *files], log)[1]]
    else:
        known = [list_names(folder, path, first, log) if folder.is_file(path) else {} for path in where]
    if any(names != known[0] for names in known) or (key == "yolo" and len(where) > 1):
        return ()
    # A class that has a name in the list and does not bear it: the list may be counted from another start.
    stated = {} if any(match.number in known[0] for match in matches) else known[0]
    names = {**stated, **clear}
    last = max([*names, *(match.number for match in matches)])
    if min(clear) < first or last > _MOST_LINES:
        return ()
    return tuple(names.get(number, f"class {number}") for number in range(first, last + 1))
