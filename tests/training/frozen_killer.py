"""`python -m tests.training.frozen_killer RUN EVENT COUNT`: work on a run, and die by SIGKILL at its COUNTth EVENT.

An event is named by its type, or by the stage that it tells of. Exit code 0 when the run ends before.
"""

import os
import signal
import sys
from pathlib import Path

import torch

from socal_core.lifecycle.state import RunState
from socal_core.runs.events import Event
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work


def main(path: str, name: str, count: str) -> int:
    torch.set_num_threads(1)
    seen = 0

    def die(event: Event) -> None:
        nonlocal seen
        seen += event["type"] == name or str(event.get("stage", "")).startswith(name)
        if seen == int(count):
            os.kill(os.getpid(), signal.SIGKILL)

    return 0 if work(RunFolder.open(Path(path)), resume=True, echo=die) is RunState.DONE else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
