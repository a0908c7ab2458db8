"""Write requirements.lock and requirements-gpu.lock: what requirements.txt installs, with the hashes of the files.

`python -m scripts.write_lock UV` (make lock) asks the package index for the hashes of every file of each version. The
builds of PyTorch for the CPU come from another index, with the same version and other files: the hash of the file that
pip takes on this machine is accepted too. Such a build needs none of NVIDIA's packages, so those are in a lock of their
own, for machines with a GPU.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11.5"
"""The oldest version for which all packages have files."""
GPU = re.compile(r"(nvidia-(?!ml-py)|cuda-|triton\b)")
LOCAL_BUILDS = ("torch",)
"""Packages that other indexes offer in other builds."""
HEADER = "# Written by `make lock`. Install it with: pip install --require-hashes --no-deps -r {}\n"


def main(uv: str) -> None:
    """Write both files.

    Args:
        uv: The path of uv.
    """
    entries = entries_of(_compiled(uv))
    for name in LOCAL_BUILDS:
        entries[name] = with_hashes(entries[name], _taken_here(entries[name].split(" ")[0]))
    for file, of_gpu in (("requirements.lock", False), ("requirements-gpu.lock", True)):
        chosen = [entry for name, entry in sorted(entries.items()) if bool(GPU.match(name)) is of_gpu]
        (ROOT / file).write_text(HEADER.format(file) + "\n".join(chosen) + "\n", encoding="utf-8")


def entries_of(lock: str) -> dict[str, str]:
    """Return the entry of each package, with its hashes, by its name."""
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {re.split(r"[=\[]", part)[0]: part.rstrip("\n") for part in parts if part[:1].isalnum()}


def with_hashes(entry: str, hashes: set[str]) -> str:
    """Return an entry that also accepts other SHA-256 hashes."""
    new = sorted(digest for digest in hashes if digest not in entry)
    return entry + "".join(f" \\\n    --hash=sha256:{digest}" for digest in new)


def _compiled(uv: str) -> str:
    command = [uv, "pip", "compile", "requirements.txt", "--generate-hashes", "--universal", "--python-version", PYTHON]
    return _output([*command, "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"])


def _taken_here(requirement: str) -> set[str]:
    """Return the hashes of the files that pip would install on this machine."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-"]
    report = json.loads(_output([sys.executable, "-m", "pip", "install", *options, requirement]))
    return {item["download_info"]["archive_info"]["hashes"]["sha256"] for item in report["install"]}


def _output(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - ours


if __name__ == "__main__":
    main(sys.argv[1])
