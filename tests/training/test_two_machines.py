"""A run on two machines, which are network namespaces that a cable joins: one is lost, and the other ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import load_classifier
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.folder import RunFolder
from tests.preloaded import run_as_torchrun
from tests.training.small_runs import NO_DROPOUT, new_run

pytestmark = pytest.mark.full

ENDS_WITHIN = 60
"""Seconds in which the other machine must end."""
STEP = 9
"""The step at which a machine is lost, in the third epoch."""

# The cable is cut first, so that no connection is closed: the machine loses its power.
WORKER = """
import os, signal, subprocess, sys
from pathlib import Path
from socal_core.runs.folder import RunFolder
from socal_core.training import loop
from socal_core.training.worker import main, work
add_gradients, steps = loop.add_gradients, 0
def counted(*arguments):
    global steps
    steps += 1
    if steps == int(os.environ.get("LOST_AT", "0")):
        subprocess.run(["ip", "link", "set", "cable", "down"], check=True)
        for process in (os.getppid(), os.getpid()):  # torchrun, and this one
            os.kill(process, signal.SIGKILL)
    return add_gradients(*arguments)
loop.add_gradients = counted
sys.exit(main(sys.argv[1:], work))
"""


@dataclass(frozen=True)
class Machine:
    """A network namespace."""

    name: str
    address: str

    def command(self, *arguments: object) -> list[str]:
        return ["ip", "netns", "exec", self.name, *map(str, arguments)]

    def start(self, store: "Machine", arguments: Sequence[object], lost_at: int = 0) -> subprocess.Popen[str]:
        """Start torchrun with one process; the rendezvous is on the machine `store`."""
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
        torchrun += ["--rdzv-backend=c10d", f"--rdzv-endpoint={store.address}:29500", "--rdzv-id=run"]
        # The namespaces share the name of this machine, by which torchrun would know the host of the store.
        torchrun += [f"--rdzv-conf=is_host={int(self is store)}"]
        return subprocess.Popen(
            self.command(*torchrun, f"--local-addr={self.address}", *arguments),
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "GLOO_SOCKET_IFNAME": "cable",
                "PYTHONPATH": str(Path.cwd()),
                "LOST_AT": str(lost_at),
            },
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    first, second = (Machine(f"socal-{os.getpid()}-{i}", f"10.211.55.{i}") for i in (1, 2))
    commands = [
        f"ip netns add {first.name}",
        f"ip netns add {second.name}",
        f"ip link add cable netns {first.name} type veth peer name cable netns {second.name}",
    ]
    for machine in (first, second):
        commands += [f"ip -n {machine.name} address add {machine.address}/24 dev cable"]
        commands += [f"ip -n {machine.name} link set {device} up" for device in ("lo", "cable")]
    try:
        for command in commands:
            try:
                subprocess.run(command.split(), check=True, capture_output=True, text=True)
            except FileNotFoundError:
                pytest.skip("network namespaces need the command ip")
            except subprocess.CalledProcessError as error:
                pytest.skip(f"network namespaces cannot be created: {error.stderr.strip()}")
        yield first, second
    finally:
        for machine in (first, second):
            left = subprocess.run(["ip", "netns", "pids", machine.name], check=False, capture_output=True, text=True)
            for process in left.stdout.split():
                os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", machine.name], check=False, capture_output=True)


@pytest.mark.parametrize("store_is_lost", [False, True], ids=["the store stays", "the store is lost"])
def test_when_a_machine_is_lost_the_other_ends_and_the_run_resumes_to_the_same_weights(
    machines: tuple[Machine, Machine],
    tmp_path: Path,
    shared_data_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    store_is_lost: bool,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = {**NO_DROPOUT, "num_epochs": 4, "early_stopping_patience": 9}
    whole, run = (new_run(tmp_path / name, shared_data_folder, **settings) for name in ("whole", "run"))
    for result in run_as_torchrun("-m", "socal_core.training.worker", whole.path):
        assert result.returncode == 0, result.stderr
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    staying, lost = reversed(machines) if store_is_lost else machines
    processes = [
        lost.start(machines[0], [script, run.path], lost_at=STEP),
        staying.start(machines[0], [script, run.path]),
    ]
    code, errors = ended(processes[0], 300)
    assert code == -signal.SIGKILL, errors
    at = time.monotonic()
    code, errors = ended(processes[1], ENDS_WITHIN)
    sys.stdout.write(f"ended after {time.monotonic() - at:.0f} s\n")
    assert code == -signal.SIGKILL, errors
    assert "can no longer be reached" in errors
    assert read_status(run).state in {RunState.FAILED, RunState.INTERRUPTED}
    newest = newest_checkpoint(run)
    assert newest is not None
    for machine in machines:
        subprocess.run(machine.command("ip", "link", "set", "cable", "up"), check=True)
    for process in [machine.start(machines[0], [script, run.path, "--resume"]) for machine in machines]:
        code, errors = ended(process, 300)
        assert code == 0, errors
    assert read_status(run).state is RunState.DONE
    expected, found = (weights_of(each) for each in (whole, run))
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=0)


def ended(process: subprocess.Popen[str], seconds: float) -> tuple[int, str]:
    """Wait for a process; return its exit status and what it wrote to standard error."""
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"still running after {seconds} s: {process.communicate()[1]}") from None
    return process.returncode, errors


def weights_of(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_classifier(newest_checkpoint(run) or Path()).model.state_dict()
