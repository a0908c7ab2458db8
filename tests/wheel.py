"""The project as a stranger has it: built as a wheel and installed into an environment of its own."""

import os
import site
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
OF_THE_TESTS = {"SOCAL_WORKSPACE", "SOCAL_DATA", "PYTHONPATH"}
"""Variables that a stranger has not set."""


@dataclass(frozen=True)
class Installed:
    """An environment with the project, and the home of the user who has it."""

    environment: Path
    home: Path

    @property
    def python(self) -> Path:
        return self.environment / "bin/python"

    @property
    def socal(self) -> Path:
        return self.environment / "bin/socal"

    @property
    def data_home(self) -> Path:
        return self.home / "data"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a process of that user."""
        mine = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
        return {**mine, "HOME": str(self.home), "XDG_DATA_HOME": str(self.data_home), "PYTHONUNBUFFERED": "1"}

    def run(self, *command: object, cwd: Path) -> str:
        """Run a command in a folder and return what it printed; it must not fail."""
        done = subprocess.run(
            [*map(str, command)], cwd=cwd, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def install_wheel(folder: Path) -> Installed:
    """Build the wheel and install it. What it needs comes from the environment of the tests: nothing is fetched."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    environment, home = folder / "environment", folder / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    installed = Installed(environment, home)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(installed.run(installed.python, "-c", where, cwd=folder).strip())
    (own / "packages_of_the_tests.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(installed.python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    return installed


def free_port() -> int:
    """Return a port of this machine that nobody listens to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
