"""A demo of four surgeons for all tests that only read it."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.demo.simulate import Trial, simulate_trials
from socal_core.demo.write import write_demo

SURGEONS = 4


@dataclass(frozen=True, eq=False)
class Demo:
    """A written demo and the trials that it was made from."""

    folder: Path
    trials: list[Trial]
    progress: list[tuple[int, int]]

    def table(self, name: str, columns: tuple[str, ...] | None = None) -> pd.DataFrame:
        """Read a file as text, with `columns` as names if it has no header."""
        header = None if columns else 0
        return pd.read_csv(self.folder / name, header=header, names=columns, dtype=str, keep_default_na=False)

    @property
    def boxes(self) -> pd.DataFrame:
        """The boxes file without the rows of empty frames; corners as integers."""
        rows = self.table(layout.BOXES_FILE, layout.BOX_COLUMNS)
        return rows[rows["label"] != ""].astype(dict.fromkeys(["x1", "y1", "x2", "y2"], int))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    progress: list[tuple[int, int]] = []
    folder = tmp_path_factory.mktemp("demo") / "out"
    write_demo(folder, SURGEONS, seed=0, progress=lambda done, total: progress.append((done, total)))
    return Demo(folder, simulate_trials(SURGEONS, 0), progress)
