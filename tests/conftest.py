"""Fixtures shared by all tests."""

import codecs
import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from socal_core.dataset.problems import ProblemLog
from tests.factories import write_dataset
from tests.wheel import Installed, install_wheel

# Nothing leaves the machine while tests run.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:
    # Several workers share the cores. The processes that they start must use as many threads as they do: results
    # depend on the number by rounding.
    os.environ["OMP_NUM_THREADS"] = "1"

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests, and no others")
    parser.addoption("--full", action="store_true", help="run all tests, also those marked `full`, without sampling")


def pytest_configure(config: pytest.Config) -> None:
    """With --full, try fifteen times as many examples as usual where a test does not say how many."""
    settings.register_profile("sampled", max_examples=20, deadline=None)
    settings.register_profile("full", max_examples=200, deadline=None)
    settings.load_profile("full" if config.getoption("--full") else "sampled")


LONG = (
    "serving/test_failures.py",
    "training/test_few_handles.py",
    "browser/test_app.py",
    "browser/test_plain_text.py",
    "browser/test_new_material.py",
    "browser/test_login.py",
    "browser/test_proxy_servers.py",
    "browser/test_roles_behind_proxy.py",
    "browser/test_gate.py",
    "training/test_resume.py",
    "training/test_queued_runs.py",
    "training/test_backup.py",
    "test_wheel.py",
    "training/test_compilation.py",
    "training/test_bad_runs.py",
    "test_api.py",
    "training/test_several_processes.py",
    "exporting/test_export.py",
    "training/test_frozen.py",
    "clips/test_fill.py",
    "dataset/test_fuzz.py",
    "training/test_loop.py",
    "evaluation/test_control_runs.py",
    "preflight/test_cost.py",
    "pages/test_all_runs.py",
    "pages/test_roles.py",
    "pages/test_damaged_run_views.py",
    "pages/test_target_results.py",
    "pages/test_target_choice.py",
    "pages/test_strip.py",
    "splits/test_split_properties.py",
    "browser/test_accessibility.py",
)
"""Modules that take long, the longest first."""


def place_in_order(item: pytest.Item) -> int:
    """Return where a module comes: the long ones first, so that no worker is left alone with one at the end."""
    module = item.path.relative_to(Path(__file__).parent).as_posix()
    return LONG.index(module) if module in LONG else len(LONG)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep modules and tests from the garbage collector, which would look through all of them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: Any) -> list[pytest.Item] | None:
    """Make no items of slow tests where they do not run: that would take a fifth of the time of the collection."""
    options = collector.config.option
    marks = getattr(obj, "pytestmark", [])
    names = {mark.name for mark in (marks if isinstance(marks, list) else [marks])}
    return [] if "slow" in names and not (options.slow or options.full) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=place_in_order)
    if not config.getoption("--full"):
        slow = {item for item in items if item.get_closest_marker("slow")} | cases_left_out(items)
        left_out = {item for item in items if item.get_closest_marker("full")}
        left_out |= set(items) - slow if config.getoption("--slow") else slow
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def cases_left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the cases of tests marked `sampled` that are slow tests: all but as many as the mark says.

    Those that run are spread evenly over the cases.
    """
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            cases.setdefault(item.nodeid.split("[")[0], []).append(item)
    left_out = set()
    for of_one_test in cases.values():
        mark = of_one_test[0].get_closest_marker("sampled")
        kept = {index * len(of_one_test) // mark.args[0] for index in range(mark.args[0])} if mark else set()
        left_out |= {item for index, item in enumerate(of_one_test) if index not in kept}
    return left_out


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether sweeps try everything (--full) or a sample."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session", autouse=True)
def session_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A workspace for fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOCAL_WORKSPACE", str(tmp_path_factory.mktemp("session-workspace")))
        yield


@pytest.fixture(autouse=True)
def workspace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of its own for each test: nobody's runs, settings or demo are touched."""
    path = tmp_path_factory.mktemp("workspace")
    monkeypatch.setenv("SOCAL_WORKSPACE", str(path))
    monkeypatch.delenv("SOCAL_DATA", raising=False)
    return path


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The umask of most accounts, which entry points change for their process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A fresh small data folder that the test may break."""
    return write_dataset(tmp_path / "data")


@pytest.fixture(scope="session")
def shared_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data folder that no test changes, old enough for its tables to be kept."""
    folder = write_dataset(tmp_path_factory.mktemp("socal") / "data")
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (time.time() - 60, time.time() - 60))
    return folder


@pytest.fixture
def real_trials() -> Path:
    """Real frames; not part of the repository."""
    path = SHARED_DATA / "real-trials"
    if not path.is_dir():
        pytest.skip("the real trials are not on this machine")
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The project, installed from its wheel."""
    return install_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight trials of four surgeons, three frames each, to be broken: S100T1 to S103T2, 64x48 pixels."""
    return write_dataset(tmp_path / "data", surgeons=4, frames=3)


@pytest.fixture
def log() -> ProblemLog:
    return ProblemLog()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """As `folder`, where an ordinary user can reach it too."""
    parent = Path(tempfile.mkdtemp())
    parent.chmod(0o755)
    yield write_dataset(parent / "data", surgeons=4, frames=3)
    for path in (parent / "data", *(parent / "data").iterdir()):
        path.chmod(0o755)
    shutil.rmtree(parent)


@pytest.fixture
def ordinary_user() -> Callable[[], AbstractContextManager[None]]:
    """Permissions count inside the context, also when the tests run as root."""

    @contextmanager
    def drop_rights() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        codecs.lookup("utf-8-sig")  # loaded on first use, which may be refused then
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return drop_rights
