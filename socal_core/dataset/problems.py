"""Collect the problems of a data folder, so that one that occurs a thousand times does not hide the others."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.dataset import Evidence, Problem, Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind
from socal_core.spreadsheets import csv_for_people

PROBLEMS_PER_KIND = 50
"""Problems of one code in one file that are listed individually; one more entry counts the others."""

FOLDED = "folded"
"""The one parameter of the entry that counts the problems that are not listed."""

_CSV_COLUMNS = ("code", "severity", "path", "row", "message", "count")
_LARGEST_EXACT = 2**53
_LONGEST_VALUE = 60
_ORDER = list(Severity)


@dataclass
class _Entries:
    """The problems of one code in one file (or in the folder of frames)."""

    problems: list[Problem] = field(default_factory=list)
    folded: int = 0

    @property
    def room(self) -> int:
        return PROBLEMS_PER_KIND - len(self.problems)


class ProblemLog:
    """Collects the problems of one data folder while it is read."""

    def __init__(self) -> None:
        self.images_dir = layout.IMAGES_DIR
        """The folder of frames, relative to the data folder; "" if they are in the data folder itself."""
        self._kinds: dict[tuple[Severity, str, str], _Entries] = {}
        self._evidence: dict[Evidence, None] = {}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """How files were interpreted, and why, in the order of reading; each once."""
        return tuple(self._evidence)

    def add_evidence(self, path: str, interpretation: str, basis: str) -> None:
        """Record how a file was interpreted.

        Args:
            path: The file, relative to the data folder.
            interpretation: The meaning given to the file, in one sentence.
            basis: The evidence for it, in one sentence.
        """
        self._evidence[Evidence(*map(_on_one_line, (path, interpretation, basis)))] = None

    def add(
        self, kind: ProblemKind, path: str, *, row: int | None = None, count: int = 1, **parameters: object
    ) -> None:
        """Record one problem.

        Args:
            kind: What is wrong.
            path: The file, relative to the data folder.
            row: The line number.
            count: The number of rows or files that the entry stands for.
            parameters: A value for each field of `kind`. Long texts from a file should be shortened by `printable`.
        """
        entries = self._entries(kind, path)
        if entries.room > 0:
            entries.problems.append(_problem(kind, path, row, count, parameters))
        else:
            entries.folded += count

    def add_rows(self, kind: ProblemKind, path: str, rows: pd.DataFrame, **parameters: object) -> None:
        """Record one problem for each row of a table that is indexed by line number.

        Args:
            kind: What is wrong. Its texts may name the columns; their values are shortened and made printable.
            path: The file, relative to the data folder; a column `file` overrides it.
            rows: The table.
            parameters: Values that are the same for all rows.
        """
        if rows.empty:
            return
        entries = self._entries(kind, path)
        shown = rows.head(entries.room)
        fields = kind.fields
        columns = [name for name in rows.columns if name in fields]
        files = shown["file"] if "file" in shown else [path] * len(shown)
        records = shown[columns].to_dict(orient="records")
        for line, file, values in zip(shown.index, files, records, strict=True):
            own = {str(name): _short(value) for name, value in values.items()}
            entries.problems.append(_problem(kind, str(file), int(line), 1, {**parameters, **own}))
        entries.folded += len(rows) - len(shown)

    def add_frames(self, kind: ProblemKind, frames: Iterable[str]) -> None:
        """Record one problem for each file in the folder of frames.

        Args:
            kind: What is wrong; its texts may name the parameter `frame`.
            frames: The files, relative to the folder of frames.
        """
        names = list(frames)
        if not names:
            return
        entries = self._entries(kind, self.images_dir)
        shown = names[: entries.room]
        for name in map(printable, shown):
            path = layout.path_of_frame(self.images_dir, name)
            entries.problems.append(_problem(kind, path, None, 1, {"frame": name}))
        entries.folded += len(names) - len(shown)

    def has_error(self, paths: Collection[str]) -> bool:
        """Return whether there is an error about one of these files as a whole, so that at least a part is not used."""
        return any(
            problem.row is None and problem.path in paths
            for (severity, _, _), entries in self._kinds.items()
            if severity is Severity.ERROR
            for problem in entries.problems
        )

    def problems(self) -> tuple[Problem, ...]:
        """Return all problems: the most severe first, then by file, code and line."""
        found: list[Problem] = []
        for (severity, path, code), entries in sorted(
            self._kinds.items(), key=lambda item: (_ORDER.index(item[0][0]), *item[0][1:])
        ):
            found += sorted(entries.problems, key=lambda problem: (problem.row or 0, problem.path))
            if entries.folded:
                path = _on_one_line(path)
                message = f"{entries.folded:,} more of the same kind in {path}."
                parameters = {FOLDED: entries.folded}
                found.append(Problem(code, severity, path, None, message, entries.folded, parameters))
        return tuple(found)

    def _entries(self, kind: ProblemKind, path: str) -> _Entries:
        """Return the entries of a kind and file; all frames form one group, since each is a separate file."""
        return self._kinds.setdefault((kind.severity, path.split("/", maxsplit=1)[0], kind.code), _Entries())


def _problem(kind: ProblemKind, path: str, row: int | None, count: int, parameters: Mapping[str, object]) -> Problem:
    path = _on_one_line(path)
    values = {name: _json_ready(value) for name, value in parameters.items()}
    message = kind.text({**values, "path": path, "row": row, "count": count})
    return Problem(kind.code, kind.severity, path, row, message, count, values)


def problems_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Return problems as a table: code, severity, path, row (empty for a whole file), message, count."""
    rows = [problem.as_dict() for problem in problems]
    return pd.DataFrame(rows, columns=list(_CSV_COLUMNS)).astype({"row": "Int64"})


def problems_csv(problems: Iterable[Problem]) -> str:
    """Return problems as CSV with the columns of `problems_table`."""
    return csv_for_people(problems_table(problems))


def printable(value: object) -> str:
    """Return a value from a file in a form that is safe in a message: short, on one line, encodable."""
    text = _on_one_line(str(value)[: _LONGEST_VALUE + 1])
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _short(value: object) -> object:
    """Shorten a value of a table if it is text; numbers are returned unchanged."""
    return printable(value) if isinstance(value, str) else value


def _json_ready(value: object) -> Any:
    """Return an integer or a float if JSON supports it, else printable text."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(number := float(value)):
        return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number
    return _on_one_line(str(value))


def _on_one_line(text: str) -> str:
    """Escape characters that are not printable, since even file names may hold line breaks and escape sequences."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
