"""socal_core.models.find and weights_record: finding the files of a model and recording its weights."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from socal_core.errors import ModelError
from socal_core.models.find import TINY_FOLDER, find_model
from socal_core.models.weights_record import describe_weights
from socal_core.runs.files.records import WeightsRecord
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from tests.models.checkpoints import write_classifier, write_json

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DOWNLOAD = """
import json, sys
from dataclasses import asdict
from socal_core.models.build import build_classifier
from socal_core.models.weights_record import describe_weights
from socal_core.settings import TINY, config_from
config = config_from({"model": "owner/name", "num_frames": 4, "allow_download": True}, TINY)
classifier = build_classifier(config)
print(json.dumps([asdict(describe_weights(config.model)), classifier.preprocessor.recipe["crop"]]))
"""


def record_of(model: object) -> WeightsRecord:
    return describe_weights(config_from({"model": str(model), "num_frames": 4}, TINY).model)


def in_shards(folder: Path) -> list[str]:
    """Spread the weights over two files, and return their names."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    shards = {name: files[number % 2] for number, name in enumerate(sorted(weights))}
    for file in files:
        save_file({name: weights[name] for name in weights if shards[name] == file}, folder / file)
    write_json(folder / "model.safetensors.index.json", {"weight_map": shards})
    return files


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_local_folder_is_recorded_by_its_name_and_hash(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model")
    expected = sha256(tmp_path / "model" / "model.safetensors")
    assert record_of(tmp_path / "model") == WeightsRecord("model", None, expected)


def test_shards_are_recorded_by_a_hash_of_their_hashes(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model")
    lines = "".join(f"{file} {sha256(tmp_path / 'model' / file)}\n" for file in in_shards(tmp_path / "model"))
    assert record_of(tmp_path / "model").sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_the_weights_of_tiny_are_recorded_by_their_hash() -> None:
    assert record_of(TINY) == WeightsRecord("tiny", None, sha256(TINY_FOLDER / "model.safetensors"), "MIT")


def test_a_snapshot_of_the_hub_is_recorded_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--owner--name"
    (repository / "snapshots").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    write_classifier(repository / "snapshots" / COMMIT)
    expected = sha256(repository / "snapshots" / COMMIT / "model.safetensors")
    assert record_of("owner/name") == WeightsRecord("owner/name", COMMIT, expected)
    (repository / "snapshots" / COMMIT / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="owner/name cannot be loaded from this machine"):
        record_of("owner/name")


def test_a_weight_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model")
    with pytest.raises(ModelError, match=r"^model\.safetensors is a file\. Name the model's folder"):
        find_model(str(tmp_path / "model" / "model.safetensors"), allow_download=False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server that answers as the hub does for one repository, and the folder of its files."""
    folder = tmp_path / "served"

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            owner, name, _, revision, file = self.path.strip("/").split("/", 4)
            path = folder / file
            found = (owner, name) == ("owner", "name") and revision in {"main", COMMIT} and path.is_file()
            content = path.read_bytes() if found else b""
            self.send_response(200 if found else 404)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content)))
            if not found:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


@pytest.mark.slow
def test_a_model_is_downloaded_with_its_shards_and_its_own_preprocessing(hub: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = hub
    write_classifier(folder)
    shutil.move(folder / "preprocessor_config.json", folder / "video_preprocessor_config.json")
    lines = "".join(f"{file} {sha256(folder / file)}\n" for file in in_shards(folder))
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", DOWNLOAD], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    record, crop = json.loads(result.stdout)
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert record == {"source": "owner/name", "revision": COMMIT, "sha256": expected, "licence": None}
    assert crop == {"height": 32, "width": 32}


@pytest.mark.slow
def test_a_run_downloads_its_model_and_records_it(
    hub: tuple[str, Path], tmp_path: Path, shared_data_folder: Path
) -> None:
    address, folder = hub
    write_classifier(folder)
    values = {"model": "owner/name", "allow_download": "true", "num_frames": 4, "num_epochs": 1, "recipe": "finetune"}
    settings = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "socal_core", "train", str(shared_data_folder), "--run", str(tmp_path / "run")]
    result = subprocess.run([*command, *settings], env=env, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    record = RunFolder.open(tmp_path / "run").read_environment().weights
    assert record == WeightsRecord("owner/name", COMMIT, sha256(folder / "model.safetensors"))


ERRORS = {
    "gated": (403, "GatedRepo", "shares it only with those who log in and accept its terms"),
    "private": (401, "RepoNotFound", "has no public model of this name"),
    "empty": (404, "EntryNotFound", "which the Hugging Face hub does not have"),
}
FIND = """
import sys
from socal_core.errors import ModelError
from socal_core.models.find import find_model
for name in sys.argv[1:]:
    try:
        find_model(name, allow_download=True)
    except ModelError as error:
        print(error)
"""


@pytest.fixture
def refusing_hub() -> Iterator[str]:
    """A server that refuses every request for a reason that depends on the name of the model."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            status, code, _ = ERRORS[self.path.strip("/").split("/")[1]]
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815 - the server calls it by this name

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def found_on(address: str, home: Path, *names: str) -> list[str]:
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    result = subprocess.run(
        [sys.executable, "-c", FIND, *names], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    return result.stdout.splitlines()


@pytest.mark.slow
def test_the_reason_of_a_refused_download_is_given(refusing_hub: str, tmp_path: Path) -> None:
    messages = found_on(refusing_hub, tmp_path, *(f"owner/{name}" for name in ERRORS))
    for message, (name, (_, _, reason)) in zip(messages, ERRORS.items(), strict=True):
        assert message.startswith(f"Model owner/{name} cannot be loaded: ")
        assert reason in message
        assert "tiny" in message
        assert "127.0.0.1" not in message


@pytest.mark.slow
def test_an_unreachable_hub_is_named(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
    (unreachable, no_id) = found_on(address, tmp_path, "owner/name", "no/such/id")
    assert "the Hugging Face hub cannot be reached" in unreachable
    assert "no id of the Hugging Face hub" in no_id
