"""Write a classifier as ONNX, and compare it with PyTorch."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from socal_core.errors import ModelError

ONNX_FILE = "model.onnx"
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
TOLERANCE = 1e-4
"""The largest difference of a probability."""
LARGEST_FILE = 1_900_000_000
"""Bytes of weights in one file: the format allows 2 GiB. More are written beside it."""


class _Logits(nn.Module):
    """A classifier of transformers with one input and one output."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(pixel_values=pixel_values).logits
        return logits


def check_onnx_packages() -> None:
    """Check that the packages for ONNX are installed.

    Raises:
        ModelError: One is missing.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(f"ONNX needs the missing {', '.join(missing)}. Run `pip install {' '.join(PACKAGES)}`.")


def write_onnx(model: PreTrainedModel, shape: tuple[int, ...], path: Path) -> None:
    """Write a classifier as ONNX: `pixel_values` of any batch size, normalized, to `logits`.

    Args:
        model: The classifier, on the CPU.
        shape: The shape of a clip, (frames, 3, size, size).
        path: The file to write. Weights of more than 2 GB are in a second file, with `.data` after its name.

    Raises:
        ModelError: The model cannot be converted, or onnxruntime computes other probabilities.
    """
    model.eval()
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    try:
        with _quiet_exporter():
            torch.onnx.export(
                _Logits(model).eval(),
                (torch.zeros(2, *shape),),
                path,
                input_names=["pixel_values"],
                output_names=["logits"],
                dynamic_shapes={"pixel_values": {0: "batch"}},
                external_data=size > LARGEST_FILE,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"The model cannot be converted to ONNX: {reason} Export it without --onnx.") from None
    check_onnx(model, shape, path)


def check_onnx(model: PreTrainedModel, shape: tuple[int, ...], path: Path) -> None:
    """Compare the probabilities of onnxruntime with those of PyTorch, for batches of one and of three clips.

    Args:
        model: The classifier, on the CPU and in eval mode.
        shape: The shape of a clip, (frames, 3, size, size).
        path: The file that `write_onnx` wrote.

    Raises:
        ModelError: They differ by more than TOLERANCE.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = torch.Generator().manual_seed(0)
    for count in (1, 3):
        clips = torch.randn(count, *shape, generator=random)
        with torch.no_grad():
            expected = model(pixel_values=clips).logits.softmax(-1)
        found: Any = session.run(["logits"], {"pixel_values": clips.numpy()})[0]
        difference = float((torch.from_numpy(found).softmax(-1) - expected).abs().max())
        if not difference <= TOLERANCE:
            raise ModelError(
                f"The probabilities of {path.name} differ by {difference:.2g} from those of the model. Export it "
                "without --onnx."
            )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Suppress what the exporter reports about itself, such as operators of torchvision."""
    logger = logging.getLogger("torch.onnx._internal.exporter")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
