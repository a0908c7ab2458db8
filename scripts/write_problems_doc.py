"""Write docs/problems.md from the catalogue of problems: `python -m scripts.write_problems_doc [FILE]`."""

import re
import sys
from pathlib import Path

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds import SUBJECTS, kinds_of
from socal_core.dataset.problem_kinds.kind import ProblemKind

PAGE = Path(__file__).resolve().parents[1] / "docs" / "problems.md"
INTRODUCTION = """# Data problems

What the app can find wrong in a [data folder](data-folders.md). This page is generated from
`socal_core/dataset/problem_kinds/`: edit the catalogue there, then run `python -m scripts.write_problems_doc`.

None of them stops the app: what cannot be used is left out, and the rest of the file is read. The Dataset page lists
the problems and downloads them as CSV, `socal inspect DATA` prints them, and `socal inspect DATA --json` gives the code
and the parameters of each. With `--deep`, or *Check every frame* on the page, every frame is decoded as well.

Each problem has a code, a severity, a file, in most cases a line, and a count where one entry stands for several rows
or files. In JSON files, the line is the number of the entry in its list, from 1. Of one code in one file, 50 are
listed and the others counted. Words in braces are parameters: they stand for what was found.

| severity | meaning |
|---|---|
"""
MEANING = {
    Severity.ERROR: "Something cannot be used: a frame, a row, a trial.",
    Severity.WARNING: "It was used after a repair, or may mislead.",
    Severity.INFO: "Worth knowing; nothing is lost.",
}


def page() -> str:
    """Return the page as Markdown."""
    severities = "".join(f"| {severity} | {MEANING[severity]} |\n" for severity in Severity)
    return "\n".join([INTRODUCTION + severities, *map(_section, SUBJECTS)])


def _section(subject: str) -> str:
    return "\n".join([f"## {subject}", "", *map(_entry, kinds_of(subject).values())])


def _entry(kind: ProblemKind) -> str:
    advice = f"\n*What to do:* {kind.advice}\n" if kind.advice else ""
    entry = f"### `{kind.code}`\n\n**{kind.title}** ({kind.severity})\n\n> {kind.message}\n{advice}"
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", entry)  # the format of numbers is of no interest here


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
