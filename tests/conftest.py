"""Fixtures shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import write_dataset
from tests.wheel import Installed, install_wheel

# Nothing leaves the machine while tests run.
os.environ["HF_HUB_OFFLINE"] = "1"

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


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


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A fresh small data folder that the test may break."""
    return write_dataset(tmp_path / "data")


@pytest.fixture(scope="session")
def shared_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data folder that no test changes."""
    return write_dataset(tmp_path_factory.mktemp("socal") / "data")


@pytest.fixture
def real_trials() -> Path:
    """Real frames; present only where the workplace lends them."""
    path = SHARED_DATA / "real-trials"
    if not path.is_dir():
        pytest.skip("the real trials are not on this machine")
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The project, installed from its wheel."""
    return install_wheel(tmp_path_factory.mktemp("wheel"))
