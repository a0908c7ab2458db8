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
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
    command = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder, "out"), Path(folder, "errors")
        process = _CONTEXT.Process(target=_child, args=(command, dict(environment or os.environ), out, errors))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(command, process.exitcode, out.read_text(), errors.read_text())


def run_as_torchrun(*arguments: object) -> list[subprocess.CompletedProcess[str]]:
    """Run `python ARGUMENTS…` in two processes with the variables that torchrun sets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}

    def run(rank: str) -> subprocess.CompletedProcess[str]:
        return run_preloaded(*arguments, environment={**os.environ, **common, "RANK": rank, "LOCAL_RANK": rank})

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, ("0", "1")))


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
