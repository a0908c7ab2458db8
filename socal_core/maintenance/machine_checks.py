"""Checks of what the app runs on: packages, GPU, disk, clock, and what is set for the Hugging Face hub."""

import os
import platform
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from socal_core import __version__
from socal_core.disk import RESERVE
from socal_core.installation import CODE_FOLDER, is_checkout
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.maintenance.finding import Finding, error, listed, ok, warning
from socal_core.preflight.machine import find_gpu

DISTRIBUTION = "socal-core"
NAMED = ("torch", "transformers", "streamlit")
"""Packages whose versions are reported also if they are as required."""
LITTLE_ROOM = 10_000_000_000
"""Free bytes below which a warning is due: a run of a large model keeps gigabytes of checkpoints."""
SKEW_SECONDS = 2.0
"""Difference between two clocks from which files look older or newer than they are (dataset/table_cache.py)."""
NOT_WALKED = {"cache", "uploads"}
"""Folders of the workspace whose files are not looked at one by one."""
HUB_VARIABLES = ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE")


def requirements() -> list[Requirement]:
    """Return the packages that the app needs, with their lower bounds, as its metadata declares them."""
    if is_checkout():
        project = tomllib.loads((CODE_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        lines = project["dependencies"]
    else:
        lines = metadata.requires(DISTRIBUTION) or []
    return [found for line in lines if not (found := Requirement(line)).marker or found.marker.evaluate()]


def unmet(needed: list[Requirement]) -> list[str]:
    """Return what is wrong with the installed packages, such as `torch 2.1 (needs >=2.10)`."""
    wrong = []
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} (needs {requirement.specifier})")
    return wrong


def check_versions(_: Path) -> Finding:
    """Compare the installed packages with what the app needs."""
    if wrong := unmet(requirements()):
        return error("versions", listed(wrong), "Install them: pip install -r requirements.txt, or the package anew.")
    versions = [f"{name} {metadata.version(name)}" for name in NAMED]
    return ok("versions", ", ".join([f"socal {__version__}", f"Python {platform.python_version()}", *versions]))


def check_gpu(_: Path) -> Finding:
    """Report the GPUs that runs may use."""
    visible = visible_gpus()
    if visible and metadata.version("torch").endswith("+cpu"):
        advice = "Install a build of torch for the GPU to use it."
        return warning("gpu", f"{len(visible)} there, but this build of PyTorch supports only the CPU", advice)
    gpu = find_gpu()
    if gpu is None:
        return ok("gpu", f"{len(visible)} parts of a GPU" if visible else "none; runs train on the CPU")
    return ok("gpu", f"{gpu.count} x {gpu.name}, {gpu.memory / 1e9:.0f} GB")


def check_disk(workspace: Path) -> Finding:
    """Report the free space of the workspace and of the temporary folder."""
    rooms = {"workspace": workspace, "temporary folder": Path(tempfile.gettempdir())}
    free = {name: shutil.disk_usage(folder).free for name, folder in rooms.items()}
    found = ", ".join(f"{name} {size / 1e9:,.1f} GB free" for name, size in free.items())
    advice = "Make room: empty the trash, clear the clip cache, delete runs."
    if free["workspace"] < RESERVE:
        return error("disk", found, advice)
    if free["workspace"] < LITTLE_ROOM or free["temporary folder"] < RESERVE:
        return warning("disk", found, advice)
    return ok("disk", found)


def check_clock(workspace: Path) -> Finding:
    """Compare the clock of the file system with that of this machine, and look for files from the future."""
    with tempfile.TemporaryDirectory(dir=workspace, prefix=".clock-", suffix=".tmp") as folder:
        before = time.time()
        stamp = _touched(Path(folder, "now"))
        skew = stamp - min(max(stamp, before), time.time())
    if abs(skew) > SKEW_SECONDS:
        found = f"the file system of the workspace is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        return warning("clock", found, "Set the clocks of this machine and of the file server (NTP).")
    future = sorted(files_after(workspace, time.time() + SKEW_SECONDS))
    if future:
        found = f"{len(future)} files are from the future: {listed(future, 3)}"
        return warning("clock", found, "Check the clock; correct their times with touch once it is right.")
    return ok("clock", "file system and machine agree")


def files_after(workspace: Path, moment: float) -> Iterator[str]:
    """Yield the files of the workspace, without caches, that were changed after a moment in seconds since 1970."""
    for parent, folders, files in os.walk(workspace):
        if Path(parent) == workspace:
            folders[:] = [name for name in folders if name not in NOT_WALKED]
        for name in files:
            path = Path(parent, name)
            try:
                if path.lstat().st_mtime > moment:
                    yield path.relative_to(workspace).as_posix()
            except OSError:
                continue  # deleted meanwhile


def check_hub(_: Path) -> Finding:
    """Report what is set for the Hugging Face hub. Nothing is asked over the network."""
    values = {name: os.environ[name] for name in HUB_VARIABLES if os.environ.get(name)}
    if os.environ.get("HF_TOKEN"):
        values["HF_TOKEN"] = "(set)"  # noqa: S105 - not the token
    found = ", ".join(f"{name}={value}" for name, value in values.items()) or "nothing is set"
    return ok("hub", f"{found}; weights are downloaded only by runs with allow_download")


def _touched(path: Path) -> float:
    path.write_bytes(b".")
    return path.stat().st_mtime
