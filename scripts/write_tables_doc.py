"""Write docs/tables.md from the declared tables: `python -m scripts.write_tables_doc [FILE]`."""

import sys
from pathlib import Path

from socal_core.dataset.schema import TABLES, Column, Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
INTRODUCTION = """# Tables

`socal_core.open_dataset(folder)` returns a data set with three pandas tables. This page is generated from
`socal_core/dataset/schema.py`: edit that file, then run `python -m scripts.write_tables_doc`.

The tables are checked when a data set is created: columns, dtypes, missing values, limits, and that frames and boxes
are in order and belong to each other. A table that is not as described here is refused.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([INTRODUCTION, *map(_section, TABLES)])


def _section(table: Table) -> str:
    columns = [*([table.index] if table.index else []), *table.columns]
    rows = [
        "| column | dtype | values |",
        "|---|---|---|",
        *(_row(column, column is table.index) for column in columns),
    ]
    return "\n".join([f"## `{table.name}`", "", table.meaning, "", *rows, ""])


def _row(column: Column, index: bool) -> str:
    notes = [
        column.meaning,
        "the index" if index else "",
        "unique" if column.unique else "",
        _limits(column),
        "may be missing" if column.nullable else "",
        "not in every table" if column.optional else "",
    ]
    return f"| `{column.name}` | {column.dtype} | {'; '.join(note for note in notes if note)} |"


def _limits(column: Column) -> str:
    if column.least is not None and column.most is not None:
        return f"{column.least:g} to {column.most:g}"
    return "" if column.least is None else f"at least {column.least:g}"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
