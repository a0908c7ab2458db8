"""Read the files of a pre-trained model, and report what is wrong with each file that cannot be used."""

import pickle
import warnings
import zipfile
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from socal_core.errors import ModelError
from socal_core.file_handles import handles_explained, os_reason
from socal_core.json_files import read_json
from socal_core.runs.model_choice import WEIGHTS_FILES

LFS_POINTER = b"version https://git-lfs"
OTHER_FORMATS = {".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".pt", ".pth", ".safetensors"}
"""Suffixes of files that may hold weights but are not read under their name."""


@dataclass(frozen=True)
class ModelFiles:
    """The folder of a model and its name in messages. Errors of all methods name the file."""

    name: str
    folder: Path
    revision: str | None = None
    """The commit on the Hugging Face hub; None for a local folder."""

    def has(self, file: str) -> bool:
        """Whether the folder holds the file."""
        return (self.folder / file).is_file()

    def read_json(self, file: str) -> dict[str, Any]:
        """Read a JSON file.

        Args:
            file: Its name in the folder.

        Returns:
            The content of the file, values by name.

        Raises:
            ModelError: The file is missing, unreadable, a Git LFS pointer, or not a JSON object.
        """
        path = self.folder / file
        self._refuse_unusable(path)
        try:
            values = read_json(path)
        except OSError as error:
            raise ModelError(f"{self.name}: its {file} cannot be read: {os_reason(error)}.") from None
        except ValueError as error:
            damaged = isinstance(error, (JSONDecodeError, UnicodeDecodeError))
            problem = "it is not JSON" if damaged else str(error)
            raise ModelError(f"{self.name}: its {file} cannot be read: {problem}. Download it again.") from None
        if not isinstance(values, dict):
            raise ModelError(f"{self.name}: its {file} cannot be read: it is not a JSON object. Download it again.")
        return values

    def weight_files(self) -> tuple[Path, ...]:
        """List the files of the weights: one file, or the shards that an index names.

        Returns:
            Paths; shards are sorted by name.

        Raises:
            ModelError: There are no weights, or a shard is missing.
        """
        for file in WEIGHTS_FILES:
            if self.has(file):
                return self._shards(file) if file.endswith(".json") else (self.folder / file,)
        raise ModelError(self._no_weights_message())

    def read_weights(self) -> dict[str, torch.Tensor]:
        """Read all weights into memory, converted to float32. No code in a file is run.

        Returns:
            Tensors, by their names in the files.

        Raises:
            ModelError: A file is missing or damaged, or holds anything but floating-point weights.
            TooManyFilesError: Too many files are open.
        """
        weights: dict[str, torch.Tensor] = {}
        for path in self.weight_files():
            self._refuse_unusable(path)
            weights |= self._read_safetensors(path) if path.suffix == ".safetensors" else self._read_pickle(path)
        for name, tensor in weights.items():
            if not tensor.is_floating_point():
                raise self._quantized(name, str(tensor.dtype).removeprefix("torch."))
        return {name: tensor.float() for name, tensor in weights.items()}

    def read_outline(self) -> dict[str, torch.Tensor]:
        """Read the names and shapes of all weights, without their values and without memory for them.

        Returns:
            Tensors on the meta device, by their names in the files.

        Raises:
            ModelError: As for `read_weights`.
        """
        outline: dict[str, torch.Tensor] = {}
        for path in self.weight_files():
            self._refuse_unusable(path)
            outline |= self._outline_of(path) if path.suffix == ".safetensors" else self._read_pickle(path, mapped=True)
        return {name: torch.empty(tensor.shape, device="meta") for name, tensor in outline.items()}

    def _outline_of(self, path: Path) -> dict[str, torch.Tensor]:
        try:
            with handles_explained(), safe_open(path, framework="pt") as file:
                found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                types = {name: part.get_dtype() for name, part in found.items()}
                shapes = {name: part.get_shape() for name, part in found.items()}
        except (SafetensorError, OSError, ValueError, KeyError):
            raise self._damaged(path) from None
        for name, kind in types.items():
            if not kind.startswith(("F", "BF")):
                raise self._quantized(name, kind.lower())
        return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}

    def _quantized(self, name: str, kind: str) -> ModelError:
        return ModelError(
            f"{self.name}: weight {name} is of type {kind}. Quantized weights cannot be trained; choose the original "
            "ones."
        )

    def _damaged(self, path: Path) -> ModelError:
        return ModelError(
            f"{self.name}: its {path.name} cannot be read: it is cut short, damaged, or not a safetensors file "
            f"({path.stat().st_size:,} bytes). Download it again."
        )

    def shard_names(self, index: str) -> list[str]:
        """Read the names of the shards from an index.

        Args:
            index: The name of the index file, such as model.safetensors.index.json.

        Returns:
            The sorted names of files in the same folder.

        Raises:
            ModelError: The index cannot be read, or its entries are not names of weight files.
        """
        named = self.read_json(index).get("weight_map")
        if not isinstance(named, dict) or not named or not all(_is_file_name(shard) for shard in named.values()):
            raise ModelError(f"{self.name}: its {index} does not list weight files. Download it again.")
        return sorted(set(named.values()))

    def _shards(self, index: str) -> tuple[Path, ...]:
        shards = self.shard_names(index)
        missing = [shard for shard in shards if not self.has(shard)]
        if missing:
            raise ModelError(
                f"{self.name}: {missing[0]} is missing, one of the {len(shards)} weight files that {index} lists. "
                "Download it."
            )
        return tuple(self.folder / shard for shard in shards)

    def _refuse_unusable(self, path: Path) -> None:
        try:
            size = path.stat().st_size
            with handles_explained(), path.open("rb") as file:
                start = file.read(len(LFS_POINTER))
        except FileNotFoundError:
            raise ModelError(f"{self.name}: its {path.name} is missing.") from None
        except OSError as error:
            raise ModelError(f"{self.name}: its {path.name} cannot be read: {os_reason(error)}.") from None
        if start == LFS_POINTER:
            raise ModelError(
                f"{self.name}: {path.name} is a Git LFS pointer of {size} bytes, not the file itself: run git lfs pull "
                "in the model's folder."
            )
        if size == 0:
            raise ModelError(f"{self.name}: its {path.name} cannot be read: it is empty. Download it again.")

    def _read_safetensors(self, path: Path) -> dict[str, torch.Tensor]:
        try:
            with handles_explained():
                return load_file(path)
        except (SafetensorError, OSError, ValueError, KeyError):
            raise self._damaged(path) from None

    def _read_pickle(self, path: Path, mapped: bool = False) -> dict[str, torch.Tensor]:
        weights = load_pickle(f"{self.name}: its {path.name}", path, mapped)
        if not isinstance(weights, dict) or not all(
            isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in weights.items()
        ):
            raise ModelError(
                f"{self.name}: its {path.name} is not a dictionary of named weights, as save_pretrained writes it. "
                "Save the model as model.safetensors with the program that wrote it."
            )
        return weights

    def _no_weights_message(self) -> str:
        others = sorted(path.name for path in self.folder.iterdir() if path.suffix in OTHER_FORMATS)
        found = f" {others[0]} is not read: convert it with save_pretrained of transformers." if others else ""
        return f"{self.name} has no weights: it needs model.safetensors or pytorch_model.bin.{found}"


def load_pickle(name: str, path: Path, mapped: bool = False) -> Any:
    """Load a file that `torch.save` wrote, without running code in it.

    Args:
        name: What messages call the file.
        path: The file.
        mapped: Whether values take memory only when they are used. The file must not change meanwhile.

    Returns:
        Its content: tensors, numbers, text and containers of these.

    Raises:
        ModelError: The file is damaged, or contains anything else.
        TooManyFilesError: Too many files are open.
    """
    try:
        # The warnings are about the pickle protocol; the error below says more.
        with handles_explained(), warnings.catch_warnings(action="ignore"):
            # Files of old versions of PyTorch are no zip archives and cannot be mapped.
            mmap = mapped and zipfile.is_zipfile(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError:
        raise ModelError(
            f"{name} is damaged, or contains more than weights and could run code, so it is not opened. Save the model "
            "as model.safetensors with the program that wrote it."
        ) from None
    # What torch raises for a damaged file depends on where the damage is.
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, AttributeError, IndexError):
        raise ModelError(
            f"{name} cannot be read: it is cut short or damaged ({path.stat().st_size:,} bytes). Download it again."
        ) from None


def _is_file_name(value: object) -> bool:
    """Whether a value is the name of a weight file, without a path to another folder."""
    return isinstance(value, str) and value == Path(value).name and value.endswith((".safetensors", ".bin"))
