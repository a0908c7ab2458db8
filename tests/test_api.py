"""The public API, which notebooks rely on: a name that leaves it breaks them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import socal_core as sc
from socal_core.errors import RunError
from socal_core.runs.folder import RunFolder
from tests.made_runs import write_run
from tests.preloaded import run_preloaded

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "example.ipynb"


def test_the_names_are_pinned() -> None:
    assert sc.__all__ == ["Dataset", "Run", "__version__", "load_run", "open_dataset"]
    for name in sc.__all__:
        assert getattr(sc, name) is not None
    assert {"trials", "frames", "boxes", "problems"} <= set(sc.Dataset.__dataclass_fields__)
    assert callable(sc.Dataset.read_frame)
    assert {"path", "config", "split", "events", "metrics", "predictions"} <= set(dir(sc.Run(Path())))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sc.nothing  # noqa: B018


def test_the_import_alone_loads_nothing_heavy() -> None:
    code = "import sys, socal_core; print([n for n in ('numpy', 'pandas', 'torch') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_data_folder_and_a_run(shared_data_folder: Path, tmp_path: Path) -> None:
    data = sc.open_dataset(shared_data_folder)
    assert data.trials.index.name == "trial_id"
    assert data.read_frame(data.frames["frame"].iloc[0]).shape[2] == 3
    folder = write_run(tmp_path / "run", shared_data_folder).path
    run, written = sc.load_run(str(folder)), RunFolder(folder)
    assert run.config == written.read_config()
    assert run.split == written.read_split()
    assert run.metrics == written.read_metrics() is not None
    assert run.events[0]["type"]
    assert run.predictions is run.predictions is not None
    assert run.predictions["trial_id"].isin(data.trials.index).all()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        sc.load_run(tmp_path)


@pytest.mark.slow
def test_the_example_notebook_runs(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    done = run_preloaded("-c", f"import os\nos.chdir({str(tmp_path)!r})\n{code}")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "metrics.json").is_file()
