"""The order of the house: a package imports only what stands above it, and light parts stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "socal_core"

# Each line may import from itself and from the lines above it.
ORDER = [
    {"errors", "storage"},
    {"workspace", "dataset"},
    {"runs"},
    {"clips"},
    {"models"},
    {"pretraining"},
    {"evaluation"},
    {"training"},
    {"cli"},
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
        assert not used
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
