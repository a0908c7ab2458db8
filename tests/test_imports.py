"""The order of the house: a package imports only what stands above it, and light parts stay light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from socal_core.startup import ENVIRONMENT, prepare_process

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "socal_core"

# Each line may import from itself and from the lines above it.
ORDER = [
    {"errors", "storage", "installation", "startup"},
    {"workspace", "dataset"},
    {"runs"},
    {"clips"},
    {"models"},
    {"pretraining"},
    {"evaluation"},
    {"training"},
    {"jobs"},
    {"cli", "api"},
    {"__main__"},
]
# Pure functions of tables and arrays: beside the order, above the pages.
FIGURES_MAY_USE = {"figures", "errors", "dataset", "runs", "evaluation"}
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


def part_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


CORE_FILES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_part_imports_only_what_stands_above_it(path: Path) -> None:
    part = part_of(path)
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("socal_core.")}
    if part == "__init__":
        assert used <= {"api"}  # for type checkers; test_api.py shows that the import alone loads nothing
    elif part == "figures":
        assert used <= FIGURES_MAY_USE
    else:
        assert "figures" not in used
        assert all(RANK[name] <= RANK[part] for name in used), f"{part} imports {used}"


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_nothing_of_its_interface(path: Path) -> None:
    assert not any(name.split(".")[0] in {"streamlit", "pages", "app"} for name in imports_of(path))


@pytest.mark.parametrize(
    "modules",
    [
        "socal_core.dataset.opening, socal_core.dataset.inspection, socal_core.dataset.tracking",
        "socal_core.dataset.splits",
        "socal_core.dataset.demo.write",
        "socal_core.runs.launch, socal_core.runs.state, socal_core.runs.progress, socal_core.runs.model_choice",
        "socal_core.runs.advice, socal_core.runs.cost, socal_core.runs.run_queue, socal_core.runs.overview",
        "socal_core.runs.follow, socal_core.runs.log_tail, socal_core.runs.notes, socal_core.runs.trash",
        "socal_core.runs.further",
        "socal_core.dataset.cache, socal_core.dataset.tracked",
        "socal_core.dataset.agreement, socal_core.dataset.convert",
        "socal_core.clips.plan, socal_core.clips.store, socal_core.clips.cache, socal_core.clips.fill",
        "socal_core.evaluation.metrics, socal_core.evaluation.controls, socal_core.evaluation.leaks",
        "socal_core.figures.leaks, socal_core.figures.coaching, socal_core.figures.presence",
        "socal_core.pretraining.settings",
        "socal_core.cli",
    ],
)
def test_what_the_pages_use_loads_no_torch(modules: str) -> None:
    code = f"import sys, {modules}; print([m for m in ('torch', 'transformers', 'streamlit') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == "[]"


CHANGES_NOTHING = """
import os, pkgutil
from importlib import import_module
import accelerate, cv2, huggingface_hub, kornia, sklearn, torch, transformers  # what they change is their own affair
before = dict(os.environ)
import socal_core
for module in pkgutil.walk_packages(socal_core.__path__, "socal_core."):
    if module.name != "socal_core.__main__":
        import_module(module.name)
changed = {name for name, value in os.environ.items() if before.get(name) != value}
assert {name for name in changed if not name.startswith("TORCH")} == set()  # PyTorch loads more of itself on demand
assert torch.serialization.get_crc32_options()
assert transformers.utils.logging.is_progress_bar_enabled()
"""


def test_importing_the_library_changes_nothing_around_it() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    command = [sys.executable, "-c", CHANGES_NOTHING]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("entry", ["import pages", "from socal_core.cli import main; main(['demo', '/'])"])
def test_an_entry_point_prepares_its_process(entry: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    found = f"'torch' in sys.modules, {ENVIRONMENT}.items() <= dict(os.environ).items()"
    code = f"import os, sys; {entry}; print({found})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    prepare_process()
    assert os.environ["OMP_WAIT_POLICY"] == "active"
