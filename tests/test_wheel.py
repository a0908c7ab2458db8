"""The wheel: what it declares, and that it does everything without the checkout."""

import json
import re
import subprocess
import sys
import tomllib
from contextlib import closing
from http.client import HTTPConnection
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from socal_core import __version__
from tests.test_imports import imports_of
from tests.training.small_runs import QUICK
from tests.wheel import PROJECT, Installed, free_port

FROM_ELSEWHERE = {
    "Host": "elsewhere.example",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "c2l4dGVlbiBieXRlcyEhIQ==",
}
"""What a page asks whose name was made to point at this machine; .streamlit/config.toml has it refused."""
PAGES = ("dataset", "training", "evaluation", "trial_viewer")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with nothing in it, where the stranger types the commands."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def demo(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo data set, made by the installed command."""
    folder = tmp_path_factory.mktemp("installed")
    printed = installed.run(installed.socal, "demo", "demo", "--surgeons", 6, cwd=folder)
    assert "socal inspect demo" in printed
    return folder / "demo"


def declared() -> dict[str, Requirement]:
    """The dependencies of pyproject.toml by name."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonicalize_name(item.name): item for item in map(Requirement, project["dependencies"])}


def optional() -> set[str]:
    """The names of the packages of the extras in pyproject.toml."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return {canonicalize_name(Requirement(item).name) for items in extras for item in items}


def pinned(file: str) -> dict[str, str]:
    """Version by name in a file of pins."""
    pins = re.findall(r"^([\w.-]+)==(\S+)$", (PROJECT / file).read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.slow
def test_every_imported_package_is_declared() -> None:
    sources = [*PROJECT.glob("socal_core/**/*.py"), *PROJECT.glob("pages/**/*.py"), PROJECT / "app.py"]
    modules = {name.split(".")[0] for path in sources for name in imports_of(path)}
    distributions = packages_distributions()
    modules -= {*sys.stdlib_module_names, "socal_core", "pages"}
    known = {*declared(), *optional()}
    missing = {module for module in modules if not {canonicalize_name(name) for name in distributions[module]} & known}
    assert not missing


def test_what_is_declared_is_pinned_within_its_bounds() -> None:
    requirements, constraints = pinned("requirements.txt"), pinned("constraints.txt")
    assert requirements.keys() == declared().keys()
    assert {name: constraints.get(name) for name in requirements} == requirements
    outside = {name for name, item in declared().items() if not item.specifier.contains(requirements[name])}
    assert not outside


@pytest.mark.slow
def test_the_command_says_its_version(installed: Installed, empty: Path) -> None:
    assert installed.run(installed.socal, "--version", cwd=empty).strip() == f"socal {__version__}"
    place = installed.run(installed.python, "-c", "import socal_core; print(socal_core.__file__)", cwd=empty)
    assert Path(place).is_relative_to(installed.environment)


@pytest.mark.slow
def test_a_run_trains_and_records_its_version(installed: Installed, demo: Path, empty: Path) -> None:
    settings = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    installed.run(installed.socal, "train", demo, "--run", "run", *settings, "--set", "num_epochs=1", cwd=empty)
    assert json.loads(installed.run(installed.socal, "evaluate", "run", "--json", cwd=empty))["trials"]
    assert json.loads((empty / "run/environment.json").read_text())["socal_core"] == __version__
    assert {path.name for path in empty.iterdir()} == {"run"}
    assert (installed.data_home / "socal/cache").is_dir(), "the workspace is with the user's data"


OPEN_ALL_PAGES = """
import fcntl, sys
from socal_core.installation import app_folder
from socal_core.workspace import workspace
from streamlit.testing.v1 import AppTest

data, *pages = sys.argv[1:]
sys.argv = ["app.py", data]
sys.path.insert(0, str(app_folder()))  # as `streamlit run` does
app = AppTest.from_file(app_folder() / "app.py", default_timeout=60).run()
assert not app.exception and not app.error
for page in pages:
    app.switch_page(f"pages/{page}.py").run()
    assert app.title and not app.exception and not app.error, page
app.switch_page("pages/training.py").run()
next(toggle for toggle in app.toggle if toggle.key == "strip-on").set_value(True).run()
with (workspace() / "jobs/strip/lock").open() as lock:
    fcntl.flock(lock, fcntl.LOCK_SH)
app.run()
assert app.get("image") and not app.error, "a process of its own has rendered the strip"
"""


@pytest.mark.slow
def test_all_pages_open_and_start_their_processes(installed: Installed, demo: Path, empty: Path) -> None:
    installed.run(installed.python, "-c", OPEN_ALL_PAGES, demo, *PAGES, cwd=empty)
    assert not [*empty.iterdir()]


@pytest.mark.slow
def test_the_app_is_served_with_the_settings_of_the_project(installed: Installed, demo: Path, empty: Path) -> None:
    port = free_port()
    (empty / "streamlit.py").write_text("raise SystemExit('a stray file was imported')")
    command = [installed.socal, "app", demo, "--port", str(port)]
    with subprocess.Popen(command, cwd=empty, env=installed.variables, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = next(line for line in server.stdout if "URL:" in line)
            assert f"http://127.0.0.1:{port}" in line
            assert [status(port, f"/{page}") for page in ("", *PAGES)] == [200] * 5
            assert status(port, "/_stcore/health") == 200
            assert status(port, "/_stcore/stream", FROM_ELSEWHERE) == 403
        finally:
            server.terminate()
            server.wait()  # its last words go to the pipe, which must still be open


def status(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    """The status of the server's answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
