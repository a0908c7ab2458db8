"""Collects what is wrong in a data folder, so that a fault repeated a thousand times does not hide the others."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import pandas as pd

from socal_core.dataset import layout
from socal_core.dataset.dataset import Problem, Severity

PROBLEMS_PER_KIND = 50
"""Problems of one code in one file that are kept one by one; the others are counted in one further entry."""

_LONGEST_VALUE = 60
_ORDER = list(Severity)


@dataclass
class _Kind:
    """The problems of one code in one file (or in the folder of frames)."""

    problems: list[Problem] = field(default_factory=list)
    folded: int = 0

    @property
    def room(self) -> int:
        return PROBLEMS_PER_KIND - len(self.problems)


class ProblemLog:
    """The problems of one data folder, in the making."""

    def __init__(self) -> None:
        self.images_dir = layout.IMAGES_DIR
        """The folder of frames, relative to the data folder; "" when they lie in the data folder itself."""
        self._kinds: dict[tuple[Severity, str, str], _Kind] = {}

    @property
    def among_frames(self) -> str:
        """The words of where frames are looked for."""
        return f"in {self.images_dir}" if self.images_dir else "among the frames"

    def add(
        self, code: str, severity: Severity, path: str, message: str, row: int | None = None, count: int = 1
    ) -> None:
        """Note one problem; `row` is a line number, `count` the rows or files that the entry stands for."""
        kind = self._kind(code, severity, path)
        if kind.room > 0:
            kind.problems.append(Problem(code, severity, _on_one_line(path), row, _on_one_line(message), count))
        else:
            kind.folded += count

    def add_rows(self, code: str, severity: Severity, path: str, rows: pd.DataFrame, message: str) -> None:
        """Note one problem for each row of a table that is indexed by line number.

        `message` is a format string over the columns; the values are shortened and made printable. A column `file`
        says in which file below `path` the row stands.
        """
        if rows.empty:
            return
        kind = self._kind(code, severity, path)
        shown = rows.head(kind.room)
        for line, values in zip(shown.index, shown.to_dict(orient="records"), strict=True):
            text = message.format_map({str(name): printable(value) for name, value in values.items()})
            file = _on_one_line(str(values.get("file", path)))
            kind.problems.append(Problem(code, severity, file, int(line), text))
        kind.folded += len(rows) - len(shown)

    def add_frames(self, code: str, severity: Severity, frames: Iterable[str], message: str) -> None:
        """Note one problem for each file in the folder of frames; `message` may use {frame}."""
        names = list(frames)
        if not names:
            return
        kind = self._kind(code, severity, self.images_dir)
        shown = names[: kind.room]
        for name in map(printable, shown):
            path = f"{self.images_dir}/{name}".lstrip("/")
            kind.problems.append(Problem(code, severity, path, None, message.format(frame=name)))
        kind.folded += len(names) - len(shown)

    def problems(self) -> tuple[Problem, ...]:
        """All problems: the costly ones first, then by file, code and line."""
        found: list[Problem] = []
        for (severity, path, code), kind in sorted(
            self._kinds.items(), key=lambda item: (_ORDER.index(item[0][0]), *item[0][1:])
        ):
            found += sorted(kind.problems, key=lambda problem: (problem.row or 0, problem.path))
            if kind.folded:
                place = _on_one_line(path)
                message = f"{kind.folded:,} more of the same kind in {place}."
                found.append(Problem(code, severity, place, None, message, kind.folded))
        return tuple(found)

    def _kind(self, code: str, severity: Severity, path: str) -> _Kind:
        """Frames are one kind together: each is a file of its own, so there would be nothing to fold."""
        return self._kinds.setdefault((severity, path.split("/", maxsplit=1)[0], code), _Kind())


def problems_csv(problems: Iterable[Problem]) -> str:
    """Problems as CSV: code, severity, path, row (empty for a file as a whole), message, count."""
    rows = [problem.as_dict() for problem in problems]
    return (
        pd.DataFrame(rows, columns=[item.name for item in fields(Problem)]).astype({"row": "Int64"}).to_csv(index=False)
    )


def printable(value: object) -> str:
    """A value from a file as it may stand in a message: short, on one line, encodable."""
    text = _on_one_line(str(value)[: _LONGEST_VALUE + 1])
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _on_one_line(text: str) -> str:
    """The text with what cannot be shown spelled out: also a file's name may hold line breaks and escape sequences."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
