"""Fixtures of the data set's tests."""

import codecs
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from socal_core.dataset.problems import ProblemLog
from tests.factories import write_dataset


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
