"""socal backup and restore: of a whole workspace, while checkpoints come and go, and of archives that are not sound."""

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from socal_core.cli import main
from socal_core.errors import SocalError
from socal_core.lifecycle.trash import TRASH, list_trash, trash
from socal_core.maintenance import backup
from socal_core.maintenance.backup import LIST, back_up
from socal_core.maintenance.restore import restore
from socal_core.runs.checkpoint_folders import (
    best_checkpoint,
    checkpoint_path,
    damage_of,
    list_checkpoints,
    newest_checkpoint,
    write_manifest,
    write_training_state,
)
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from socal_core.storage import new_folder
from tests.lifecycle.workers import new_run
from tests.made_runs import write_run


def write_checkpoint(run: RunFolder, epoch: int, best: int) -> Path:
    """Write a checkpoint as training does, with something else in place of weights."""
    path = checkpoint_path(run, epoch)
    with new_folder(path) as draft:
        (draft / "model.safetensors").write_bytes(os.urandom(20_000))
        write_training_state(draft, TrainingState(epoch, best, 0.5, epoch - best))
        write_manifest(draft)
    return path


def content(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Bytes, permissions and time of each file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode, round(path.stat().st_mtime))
        for path in files
    }


@pytest.fixture
def filled(workspace: Path, shared_data_folder: Path) -> Path:
    """A workspace with two runs, one in the trash, settings, and what a backup leaves out."""
    write_checkpoint(write_run(workspace / "runs" / "run-1", shared_data_folder), 3, 3)
    trash(write_run(workspace / "runs" / "run-2", shared_data_folder))
    for name in ("views/a.json", "events/b.json", "demo/frames/S1T1_frame.jpeg", "server.toml", "audit.jsonl"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(name)
    (workspace / "server.toml").chmod(0o600)
    return workspace


def test_a_workspace_is_restored_as_it_was(capsys: pytest.CaptureFixture[str], filled: Path, tmp_path: Path) -> None:
    wanted = {name: file for name, file in content(filled).items() if not name.endswith(".lock")}
    for name in ("cache/x", "uploads/y", "queue/order.json", "jobs/demo/log", "logs/server.jsonl", ".settings.a.tmp"):
        (filled / name).parent.mkdir(parents=True, exist_ok=True)
        (filled / name).write_text(name)
    out = tmp_path / "backup.tar"
    assert main(["backup", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: {len(wanted)} files")
    assert out.stat().st_mode & 0o777 == 0o600
    assert "back up the workspace" in (filled / "audit.jsonl").read_text()
    elsewhere = tmp_path / "new" / "workspace"
    assert main(["restore", str(out), "--workspace", str(elsewhere)]) == 0
    found = content(elsewhere)
    assert found.keys() == wanted.keys()
    assert found == wanted
    assert [entry.name for entry in list_trash(elsewhere / "runs")] == ["run-2"]
    assert (elsewhere / "runs" / TRASH).is_dir()
    assert not (elsewhere / LIST).exists()


def test_an_existing_file_and_a_place_inside_are_refused(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.tar").write_text("kept")
    for out, words in ((tmp_path / "kept.tar", "exists already"), (filled / "runs" / "b.tar", "inside the workspace")):
        with pytest.raises(SocalError, match=words):
            back_up(filled, out)
    with pytest.raises(SocalError, match=r"No such file or directory\. Choose another place"):
        back_up(filled, tmp_path / "missing" / "b.tar")
    assert (tmp_path / "kept.tar").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.tar"]


def test_links_and_incomplete_checkpoints_are_left_out_and_named(workspace: Path, tmp_path: Path) -> None:
    run = new_run(workspace / "runs" / "run-1")
    damaged, partial = write_checkpoint(run, 1, 1), write_checkpoint(run, 2, 1)
    write_checkpoint(run, 3, 1)
    (damaged / "model.safetensors").write_bytes(b"x" * 20_000)
    (partial / "model.safetensors").unlink()
    (workspace / "runs" / "secret").symlink_to("/etc/passwd")
    done = back_up(workspace, tmp_path / "b.tar")
    assert done.left_out == [
        "runs/run-1/checkpoints/epoch-0002: deleted meanwhile, or incomplete",
        "runs/run-1/checkpoints/epoch-0001: model.safetensors is not as it was saved",
        "runs/secret: a link",
    ]
    restore(tmp_path / "b.tar", tmp_path / "w")
    assert [path.name for path in list_checkpoints(RunFolder(tmp_path / "w/runs/run-1"))] == ["epoch-0003"]


def test_a_folder_of_runs_on_another_disk_is_followed(workspace: Path, tmp_path: Path) -> None:
    new_run(tmp_path / "disk" / "run-1")
    (workspace / "runs").symlink_to(tmp_path / "disk")
    back_up(workspace, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", tmp_path / "w")
    assert (tmp_path / "w/runs/run-1/config.json").is_file()


def test_checkpoints_that_are_replaced_meanwhile_are_complete(workspace: Path, tmp_path: Path) -> None:
    """The newest checkpoint is there with the best one that it refers to, in each of many backups."""
    run, end = new_run(workspace / "runs" / "run-1"), threading.Event()
    write_checkpoint(run, 1, 1)

    def train() -> None:
        for epoch in range(2, 9_000):
            best = epoch - epoch % 3  # the best of three is kept until there is a better one
            write_checkpoint(run, epoch, max(1, best))
            for path in list_checkpoints(run)[2:]:
                if path != checkpoint_path(run, max(1, best)):
                    (path / "model.safetensors").unlink()
                    for file in path.iterdir():
                        file.unlink()
                    path.rmdir()
            if end.is_set():
                return

    worker = threading.Thread(target=train)
    worker.start()
    epochs = set()
    try:
        for number in range(15):
            back_up(workspace, tmp_path / f"{number}.tar")
    finally:
        end.set()
        worker.join()
    for number in range(15):
        restore(tmp_path / f"{number}.tar", tmp_path / f"w{number}")
        restored = RunFolder(tmp_path / f"w{number}/runs/run-1")
        newest = newest_checkpoint(restored)
        assert newest is not None
        epochs.add(newest.name)
        assert [damage_of(path) for path in list_checkpoints(restored)].count("") == len(list_checkpoints(restored))
        assert damage_of(best_checkpoint(restored)) == ""
    assert len(epochs) > 1, "it trained meanwhile"


def test_a_checkpoint_that_is_replaced_while_it_is_opened_is_opened_anew(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training replaces the best checkpoint when the newest is open: a copy of the newest alone would lack its best."""
    run, open_one, calls = new_run(workspace / "runs" / "run-1"), backup._opened, []
    write_checkpoint(run, 1, 1)
    write_checkpoint(run, 2, 1)

    def opened(path: Path, stack: ExitStack) -> backup.Files | None:
        found = open_one(path, stack)
        calls.append(path.name)
        if len(calls) == 1:
            write_checkpoint(run, 3, 3)
            shutil.rmtree(checkpoint_path(run, 1))
        return found

    monkeypatch.setattr(backup, "_opened", opened)
    done = back_up(workspace, tmp_path / "b.tar")
    assert done.left_out == []
    assert calls == ["epoch-0002", "epoch-0001", "epoch-0003", "epoch-0002"]
    restore(tmp_path / "b.tar", tmp_path / "w")
    assert best_checkpoint(RunFolder(tmp_path / "w/runs/run-1")).name == "epoch-0003"


def refused(archive: Path, folder: Path, words: str) -> None:
    with pytest.raises(SocalError, match=words):
        restore(archive, folder)
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_workspace_that_is_not_empty_is_not_touched(filled: Path, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "b.tar")
    before = content(filled)
    with pytest.raises(SocalError, match="is not empty"):
        restore(tmp_path / "b.tar", filled)
    assert content(filled) == before
    (tmp_path / "empty").mkdir()
    assert restore(tmp_path / "b.tar", tmp_path / "empty")


def test_an_archive_that_is_truncated_or_changed_anywhere_is_refused(workspace: Path, tmp_path: Path) -> None:
    new_run(workspace / "runs" / "run-1")
    (workspace / "server.toml").write_text("# one\n")
    back_up(workspace, tmp_path / "b.tar")
    whole = (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "b.tar") as tar:
        end = tar.getmember(LIST)
    last = end.offset_data + end.size
    broken = tmp_path / "broken.tar"
    for length in [*range(0, last, 700), last - 1]:
        broken.write_bytes(whole[:length])
        refused(broken, tmp_path / "w", "cannot be restored")
    at = whole.index(b"# one")
    for place in (at, last - 30):
        broken.write_bytes(whole[:place] + b"X" + whole[place + 1 :])
        refused(broken, tmp_path / "w", "was changed|list is damaged|is missing")


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (member("../outside"), "outside"),
        (member("runs/../../outside"), "outside"),
        (member("/outside"), "is not a path inside the workspace"),
        (member("runs", tarfile.SYMTYPE, "/etc"), "neither a file nor a folder"),
        (member("runs/a", tarfile.LNKTYPE, "server.toml"), "neither a file nor a folder"),
        (member("null", tarfile.CHRTYPE), "neither a file nor a folder"),
        (member("fifo", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (member("unlisted"), "unlisted is missing, or should not be there"),
    ],
)
def test_entries_that_no_backup_has_are_refused(entry: tarfile.TarInfo, words: str, tmp_path: Path) -> None:
    files: dict[str, object] = {} if entry.name == "unlisted" else {entry.name: [0, ""]}
    text = json.dumps({"format": 1, "files": files}).encode()
    listed = member(LIST)
    listed.size = len(text)
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(entry)
        tar.addfile(listed, io.BytesIO(text))
    refused(tmp_path / "b.tar", tmp_path / "a" / "w", words)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(b""), "empty|early"),
        (lambda path: path.write_bytes(b"no archive" * 200), "cannot be restored"),
        (lambda path: None, "No such file"),
    ],
)
def test_what_is_no_archive_is_refused(write: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    write(tmp_path / "b.tar")
    refused(tmp_path / "b.tar", tmp_path / "w", words)


def test_an_archive_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"format": 2, "files": {}}).encode()
    listed = member(LIST)
    listed.size = len(text)
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(listed, io.BytesIO(text))
    refused(tmp_path / "b.tar", tmp_path / "w", "format 2, this version reads 1")
