"""scripts.write_lock, and that the locks have the versions of requirements.txt."""

import re
from pathlib import Path

from scripts.write_lock import GPU, entries_of, with_hashes

ROOT = Path(__file__).resolve().parents[2]
LOCK = """torch==2.13.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
nvidia-cublas==13.1 ; sys_platform == 'linux' \\
    --hash=sha256:cc
nvidia-ml-py==13.6 \\
    --hash=sha256:dd
"""


def test_a_build_of_another_index_is_accepted_too() -> None:
    entries = entries_of(LOCK)
    assert list(entries) == ["torch", "nvidia-cublas", "nvidia-ml-py"]
    assert with_hashes(entries["torch"], {"bb"}) == entries["torch"]
    assert with_hashes(entries["torch"], {"bb", "ee"}) == LOCK.split("\nnvidia")[0] + " \\\n    --hash=sha256:ee"
    assert [name for name in entries if GPU.match(name)] == ["nvidia-cublas"]


def test_the_locks_have_the_versions_of_the_requirements() -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    locked = entries_of((ROOT / "requirements.lock").read_text())
    found = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    differ = [
        name for name, version in found.items() if name in locked and not locked[name].startswith(f"{name}=={version} ")
    ]
    assert differ == [], "run make requirements.lock"
    assert all("--hash=sha256:" in entry for entry in locked.values())
