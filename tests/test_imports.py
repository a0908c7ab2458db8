"""The order of imports: a package imports only from those above it, and light parts load no heavy library."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from socal_core.startup import ENVIRONMENT, prepare_process

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "socal_core"

# Each line may import from itself and from the lines above it.
ORDER = [
    {"errors", "file_handles", "drafts", "storage", "json_files", "spreadsheets", "disk", "installation", "startup"},
    {"workspace", "presets"},
    {"access"},
    {"dataset", "annotations"},
    {"settings"},
    {"splits", "demo", "fetch", "serving"},
    {"runs"},
    {"lifecycle"},
    {"preflight"},
    {"clips"},
    {"models"},
    {"pretraining"},
    {"evaluation"},
    {"explanations"},
    {"figures"},
    {"training"},
    {"exporting"},
    {"jobs"},
    {"maintenance"},
    {"cli", "api"},
    {"__main__"},
]
# Pure functions of tables and arrays, which use fewer parts than their place allows.
FIGURES_MAY_USE = {
    "figures",
    "errors",
    "presets",
    "dataset",
    "annotations",
    "settings",
    "splits",
    "runs",
    "lifecycle",
    "evaluation",
    "explanations",
}
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


def modules_imported_at_once(path: Path) -> set[str]:
    """The names of modules that a module imports while it is loaded itself; not those for type checkers."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def part_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


CORE_FILES = sorted(CORE.rglob("*.py"))


def allowed(part: str) -> set[str]:
    """The parts of socal_core that a part may import."""
    if part == "__init__":
        return {"api"}  # for type checkers; test_api.py shows that the import alone loads nothing
    if part == "figures":
        return FIGURES_MAY_USE
    return {name for name, rank in RANK.items() if rank <= RANK[part]}


@pytest.mark.slow
def test_a_part_imports_only_what_stands_above_it() -> None:
    wrong = []
    for path in CORE_FILES:
        used = {name.split(".")[1] for name in imports_of(path) if name.startswith("socal_core.")}
        if beyond := used - allowed(part_of(path)):
            wrong.append(f"{path.relative_to(ROOT)} imports {', '.join(sorted(beyond))}")
    assert wrong == []


def test_the_core_knows_nothing_of_its_interface() -> None:
    interface = {"streamlit", "pages", "app"}
    wrong = [path for path in CORE_FILES if {name.split(".")[0] for name in imports_of(path)} & interface]
    assert wrong == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in CORE_FILES}
    uses = {name: modules_imported_at_once(path) & modules.keys() for name, path in modules.items()}
    TopologicalSorter(uses).prepare()  # raises CycleError


FOR_PAGES = (
    "socal_core.access.audit",
    "socal_core.access.data_roots",
    "socal_core.access.pseudonyms",
    "socal_core.lifecycle.quotas",
    "socal_core.dataset.opening",
    "socal_core.dataset.inspection",
    "socal_core.annotations.tracker",
    "socal_core.settings",
    "socal_core.splits",
    "socal_core.demo.write",
    "socal_core.serving.routes",
    "socal_core.serving.session_folder",
    "socal_core.fetch.uploads",
    "socal_core.dataset.material",
    "socal_core.figures.live",
    "socal_core.figures.trial_video",
    "socal_core.runs.progress",
    "socal_core.runs.model_choice",
    "socal_core.runs.overview",
    "socal_core.runs.follow",
    "socal_core.runs.log_tail",
    "socal_core.runs.notes",
    "socal_core.lifecycle.launch",
    "socal_core.lifecycle.state",
    "socal_core.lifecycle.run_queue",
    "socal_core.lifecycle.further",
    "socal_core.lifecycle.trash",
    "socal_core.preflight.advice",
    "socal_core.preflight.cost",
    "socal_core.preflight.machine",
    "socal_core.dataset.table_cache",
    "socal_core.annotations.track_cache",
    "socal_core.annotations.agreement",
    "socal_core.annotations.alignment",
    "socal_core.annotations.offset_advice",
    "socal_core.annotations.convert",
    "socal_core.clips.plan",
    "socal_core.clips.store",
    "socal_core.clips.clip_cache",
    "socal_core.clips.fill",
    "socal_core.evaluation.metrics",
    "socal_core.evaluation.intervals",
    "socal_core.evaluation.controls",
    "socal_core.evaluation.target_metrics",
    "socal_core.evaluation.target_controls",
    "socal_core.evaluation.leak_probes",
    "socal_core.evaluation.frame_text",
    "socal_core.evaluation.same_footage",
    "socal_core.evaluation.similar_trials",
    "socal_core.evaluation.trial_features",
    "socal_core.evaluation.coaching",
    "socal_core.explanations.record",
    "socal_core.explanations.attention_record",
    "socal_core.evaluation.trial_prediction",
    "socal_core.evaluation.settling",
    "socal_core.dataset.event_tables",
    "socal_core.explanations.overlay",
    "socal_core.exporting.card_page",
    "socal_core.exporting.export_record",
    "socal_core.evaluation.calibration",
    "socal_core.evaluation.thresholds",
    "socal_core.evaluation.decision_curve",
    "socal_core.evaluation.confidence",
    "socal_core.evaluation.published",
    "socal_core.evaluation.subgroups",
    "socal_core.evaluation.run_results",
    "socal_core.evaluation.run_comparison",
    "socal_core.evaluation.alarms",
    "socal_core.evaluation.tool_motion",
    "socal_core.jobs.job",
    "socal_core.jobs.check_frames",
    "socal_core.jobs.advise_offsets",
    "socal_core.figures.leak_figures",
    "socal_core.figures.coaching",
    "socal_core.figures.calibration",
    "socal_core.figures.thresholds",
    "socal_core.figures.subgroups",
    "socal_core.figures.presence",
    "socal_core.figures.earliness",
    "socal_core.maintenance.doctor",
    "socal_core.maintenance.locks",
    "socal_core.pretraining.pretrain_settings",
    "socal_core.cli",
    "socal_core.training.worker",  # waits for a slot before it loads PyTorch
    "socal_core.training.cross_validation",
)
LOADS_NO_TORCH = f"""
import sys
from importlib import import_module
for module in {FOR_PAGES!r}:
    import_module(module)
    assert not {{"torch", "transformers", "streamlit"}} & sys.modules.keys(), module
"""


@pytest.mark.slow
def test_what_the_pages_use_loads_no_torch() -> None:
    command = [sys.executable, "-c", LOADS_NO_TORCH]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


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


@pytest.mark.slow
def test_importing_the_library_changes_nothing_around_it() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    command = [sys.executable, "-c", CHANGES_NOTHING]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
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
