"""The quotas of a server on runs."""

import os
from pathlib import Path

import pytest

from socal_core.access.server_config import Quotas, Role
from socal_core.access.users import User
from socal_core.errors import RunError
from socal_core.lifecycle.lock import take_lock
from socal_core.lifecycle.quotas import check_quotas, within_quotas
from socal_core.lifecycle.state import RunState
from socal_core.lifecycle.trash import trash
from socal_core.workspace import runs_root
from tests.made_runs import write_run

ROSA, REMY = User("rosa", Role.RESEARCHER), User("remy", Role.RESEARCHER)


def test_runs_that_wait_or_are_active_count_for_their_owner(shared_data_folder: Path) -> None:
    runs = [write_run(runs_root() / f"run-{number}", shared_data_folder, RunState.STOPPED) for number in range(3)]
    for run in runs:
        run.write_owner("rosa")
    quotas = Quotas(queued_runs_per_user=2)
    check_quotas(quotas, ROSA, runs_root())
    locks = [take_lock(run.lock_file, run.name) for run in runs[:2]]
    try:
        check_quotas(quotas, REMY, runs_root())
        with pytest.raises(RunError, match=r"You have 2 runs .*allows 2 per user\. Wait"):
            check_quotas(quotas, ROSA, runs_root())
    finally:
        for lock in locks:
            os.close(lock)
    check_quotas(quotas, ROSA, runs_root())


def test_a_full_disk_quota_says_what_to_delete_and_deletes_nothing(shared_data_folder: Path, workspace: Path) -> None:
    run = write_run(runs_root() / "run-1", shared_data_folder)
    run.write_owner("rosa")
    (run.checkpoints / "large").write_bytes(bytes(20_000_000))
    deleted = trash(write_run(runs_root() / "run-2", shared_data_folder))
    check_quotas(Quotas(runs_gb=0.1), ROSA, runs_root())
    with pytest.raises(RunError) as refused:
        check_quotas(Quotas(runs_gb=0.01), ROSA, runs_root())
    assert "allows 0.01 GB. Your largest runs that have ended are run-1 (0.02 GB)." in str(refused.value)
    assert "empty the trash" in str(refused.value)
    with pytest.raises(RunError) as refused:
        check_quotas(Quotas(runs_gb=0.01), REMY, runs_root())
    assert "run-1" not in str(refused.value)
    assert run.config_file.is_file()
    assert deleted.path.is_dir()


def test_on_a_laptop_there_is_no_quota_and_no_lock(workspace: Path) -> None:
    with within_quotas(ROSA):
        pass
    assert list(workspace.iterdir()) == []
    (workspace / "server.toml").write_text("[quotas]\nqueued_runs_per_user = 1\n")
    with within_quotas(ROSA):
        pass
