"""docs/tables.md says what the declared tables say."""

import subprocess
import sys
from pathlib import Path

from socal_core.dataset.schema import TABLES

PROJECT = Path(__file__).resolve().parents[2]
REMEDY = "docs/tables.md is out of date. Run `python -m scripts.write_tables_doc`."


def test_the_page_in_docs_is_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "tables.md"
    subprocess.run([sys.executable, "-m", "scripts.write_tables_doc", str(file)], cwd=PROJECT, check=True)
    written = file.read_text(encoding="utf-8")
    assert (PROJECT / "docs" / "tables.md").read_text(encoding="utf-8") == written, REMEDY
    assert written.count("\n| `") == sum(len(table.columns) + (table.index is not None) for table in TABLES)
