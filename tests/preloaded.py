"""Commands in processes that have PyTorch loaded already.

Starting Python and importing torch and transformers takes seconds; forking a process that has imported them takes
milliseconds. Only packages of others are imported beforehand, so the project's own modules load as in a new process.
"""

import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path

PRELOADED = (
    "accelerate",
    "cv2",
    "kornia.augmentation",
    "pandas",
    "PIL.Image",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.linear_model",
    "torch",
    "transformers.models.videomae.modeling_videomae",
)

LIMIT_SECONDS = 300
"""A command that takes longer is killed."""
FAILED_SECONDS = 30
"""How long the other processes may go on when one has failed."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(PRELOADED))


def run_preloaded(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS…` to its end.

    Args:
        arguments: `-m`, a module and its arguments, or `-c`, code and its arguments.
        environment: The variables of the process, instead of those of this one.

    Returns:
        The exit status (negative if a signal ended the process), standard output and standard error.
    """
    (done,) = _run_together(arguments, [environment or os.environ])
    return done


def run_as_torchrun(*arguments: object) -> list[subprocess.CompletedProcess[str]]:
    """Run `python ARGUMENTS…` in two processes with the variables that torchrun sets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return _run_together(arguments, [{**os.environ, **common, "RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")])


def _run_together(
    arguments: tuple[object, ...], environments: Sequence[Mapping[str, str]]
) -> list[subprocess.CompletedProcess[str]]:
    """Run a command in several processes. When one fails, the others may wait for it for ever, so they are ended."""
    command = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [(Path(folder, f"out-{rank}"), Path(folder, f"errors-{rank}")) for rank in range(len(environments))]
        processes = [
            _CONTEXT.Process(target=_child, args=(command, dict(environment), *files))
            for environment, files in zip(environments, outputs, strict=True)
        ]
        for process in processes:
            process.start()
        running = {process.sentinel: process for process in processes}
        patience: float = LIMIT_SECONDS
        while running:
            ended = [running.pop(sentinel) for sentinel in wait(list(running), patience) if isinstance(sentinel, int)]
            for process in ended:
                process.join()
            if not ended:
                for process in running.values():
                    process.kill()
            elif any(process.exitcode for process in ended):
                patience = FAILED_SECONDS
        return [
            subprocess.CompletedProcess(command, process.exitcode or 0, out.read_text(), errors.read_text())
            for process, (out, errors) in zip(processes, outputs, strict=True)
        ]


def _child(command: list[str], environment: dict[str, str], out: Path, errors: Path) -> None:
    for path, descriptor in ((out, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    option, what, *rest = command
    sys.argv = [what, *rest]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<command>", "exec"), {"__name__": "__main__"})
