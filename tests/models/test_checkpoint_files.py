"""socal_core.models.checkpoint_files: reading weights, and the message for each damaged file."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from tests.few_handles import with_few
from tests.models.checkpoints import write_json

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 345008696\n"
WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3) / 7, "b.bias": torch.tensor([0.5, -2.0])}


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    return ModelFiles("model", tmp_path)


def in_shards(folder: Path, suffix: str) -> None:
    """Move the weights to two files and an index."""
    (folder / "model.safetensors").unlink()
    stem, index = ("model", "model.safetensors") if suffix == "safetensors" else ("pytorch_model", "pytorch_model.bin")
    names = {}
    for number, (name, tensor) in enumerate(WEIGHTS.items(), start=1):
        names[name] = f"{stem}-0000{number}-of-00002.{suffix}"
        write = save_file if suffix == "safetensors" else torch.save
        write({name: tensor}, folder / names[name])
    write_json(folder / f"{index}.index.json", {"metadata": {}, "weight_map": names})


def as_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(WEIGHTS, folder / "pytorch_model.bin")


def as_old_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(WEIGHTS, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


FORMATS: dict[str, Callable[[Path], None]] = {
    "safetensors": lambda folder: None,
    "shards": lambda folder: in_shards(folder, "safetensors"),
    "shards of pickles": lambda folder: in_shards(folder, "bin"),
    "pickle": as_pickle,
    "old pickle": as_old_pickle,
}


@pytest.mark.parametrize("change", FORMATS.values(), ids=FORMATS)
def test_weights_are_read_from_every_format(files: ModelFiles, change: Callable[[Path], None]) -> None:
    change(files.folder)
    weights = files.read_weights()
    assert weights.keys() == WEIGHTS.keys()
    assert all(torch.equal(weights[name], WEIGHTS[name]) for name in WEIGHTS)


@pytest.mark.parametrize("change", FORMATS.values(), ids=FORMATS)
def test_no_weights_are_taken_for_damaged_if_too_many_files_are_open(
    files: ModelFiles, change: Callable[[Path], None]
) -> None:
    change(files.folder)
    shapes = {name: tensor.shape for name, tensor in WEIGHTS.items()}
    assert with_few(lambda: {name: tensor.shape for name, tensor in files.read_outline().items()} == shapes) > 0
    assert with_few(lambda: files.read_weights().keys() == WEIGHTS.keys()) > 0


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_converted_to_float32(files: ModelFiles, kind: torch.dtype) -> None:
    save_file({name: tensor.to(kind) for name, tensor in WEIGHTS.items()}, files.folder / "model.safetensors")
    for name, tensor in files.read_weights().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, WEIGHTS[name].to(kind).to(torch.float32))


def test_safetensors_take_precedence_over_a_pickle(files: ModelFiles) -> None:
    torch.save({"other": torch.ones(1)}, files.folder / "pytorch_model.bin")
    assert files.read_weights().keys() == WEIGHTS.keys()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def write_int8(folder: Path) -> None:
    save_file({"a.weight": torch.ones(2, dtype=torch.int8)}, folder / "model.safetensors")


def index_of(folder: Path, content: object) -> None:
    (folder / "model.safetensors").unlink()
    write_json(folder / "model.safetensors.index.json", content)


def pickle_of(folder: Path, content: object) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")


def pickle_bytes(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(content)


def lose_a_shard(folder: Path) -> None:
    in_shards(folder, "safetensors")
    (folder / "model-00002-of-00002.safetensors").unlink()


def pointer_as_shard(folder: Path) -> None:
    in_shards(folder, "bin")
    (folder / "pytorch_model-00001-of-00002.bin").write_bytes(POINTER)


def rename(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "checkpoint.pth")


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pointer": (
        lambda folder: (folder / "model.safetensors").write_bytes(POINTER),
        f"model.safetensors is a Git LFS pointer of {len(POINTER)} bytes.*: run git lfs pull",
    ),
    "pointer as shard": (pointer_as_shard, "pytorch_model-00001-of-00002.bin is a Git LFS pointer"),
    "empty": (lambda folder: (folder / "model.safetensors").write_bytes(b""), "model.safetensors .* it is empty"),
    "cut": (lambda folder: cut(folder / "model.safetensors"), "model.safetensors cannot be read: it is cut short"),
    "page": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"<!doctype html><html>Sign in</html>"),
        r"not a safetensors file \(35 bytes\)",
    ),
    "nothing": (lambda folder: (folder / "model.safetensors").unlink(), "has no weights: it needs model.safetensors"),
    "other name": (rename, "has no weights: .* checkpoint.pth is not read: convert it"),
    "int8": (write_int8, "a.weight is of type int8. Quantized"),
    "shard": (lose_a_shard, "model-00002-of-00002.safetensors is missing, one of the 2 weight files"),
    "index": (
        lambda folder: index_of(folder, {"weight_map": {}}),
        "model.safetensors.index.json does not list weight files",
    ),
    "index elsewhere": (
        lambda folder: index_of(folder, {"weight_map": {"a": "../other.safetensors"}}),
        "model.safetensors.index.json does not list weight files",
    ),
    "index of a list": (lambda folder: index_of(folder, []), "index.json cannot be read: it is not a JSON object"),
    "pickle of a model": (lambda folder: pickle_of(folder, {"model": WEIGHTS}), "is not a dictionary of named weights"),
    "pickle of a number": (lambda folder: pickle_of(folder, 3), "is not a dictionary of named weights"),
    "pickle cut": (
        lambda folder: (as_pickle(folder), cut(folder / "pytorch_model.bin")),
        "pytorch_model.bin cannot be",
    ),
    "pickle empty": (lambda folder: pickle_bytes(folder, b""), "pytorch_model.bin cannot be read: it is empty"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_damage_has_its_own_message(files: ModelFiles, case: str) -> None:
    spoil, reason = CASES[case]
    spoil(files.folder)
    with pytest.raises(ModelError, match=f"^model.*{reason}"):
        files.read_weights()


def test_code_in_a_pickle_is_not_run(files: ModelFiles) -> None:
    victim = files.folder / "victim"
    pickle_bytes(files.folder, f"cposix\nsystem\n(S'touch {victim}'\ntR.".encode())
    with pytest.raises(
        ModelError, match=r"pytorch_model\.bin is damaged, or contains more than weights and could run code"
    ):
        files.read_weights()
    assert not victim.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "its config.json is missing"),
        (b"", "its config.json cannot be read: it is empty"),
        (b'{"a": ', "its config.json cannot be read: it is not JSON"),
        (b"\xff\xfe\x00", "its config.json cannot be read: it is not JSON"),
        (b"[1]", "its config.json cannot be read: it is not a JSON object"),
        (POINTER, "config.json is a Git LFS pointer"),
    ],
)
def test_a_json_file_that_cannot_be_read(files: ModelFiles, content: bytes | None, reason: str) -> None:
    if content is not None:
        (files.folder / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(reason)):
        files.read_json("config.json")


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin", "old.bin"])
def test_the_outline_has_the_names_and_shapes_without_the_values(tmp_path: Path, file: str) -> None:
    weights = {"a.weight": torch.ones(3, 5), "b": torch.ones(()), "half": torch.ones(2, dtype=torch.bfloat16)}
    if file == "model.safetensors":
        save_file(weights, tmp_path / file)
    else:
        torch.save(weights, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=file != "old.bin")
    outline = ModelFiles("model", tmp_path).read_outline()
    assert {name: tuple(tensor.shape) for name, tensor in outline.items()} == {
        "a.weight": (3, 5),
        "b": (),
        "half": (2,),
    }
    assert {tensor.device.type for tensor in outline.values()} == {"meta"}
