"""socal_core.lifecycle.gpus.gpu_use, with the real nvidia-ml-py, usually without a driver."""

from types import SimpleNamespace

import pynvml
import pytest

from socal_core.lifecycle.gpus import GpuUse, gpu_use

UUID = "GPU-00000000-0000-0000-0000-000000000000"
"""The UUID of no GPU."""


def test_without_a_driver_or_such_a_gpu_nothing_is_known() -> None:
    with pytest.raises(pynvml.NVMLError):
        pynvml.nvmlInit()
        pynvml.nvmlDeviceGetHandleByUUID(UUID)
    assert gpu_use(UUID) is None
    assert gpu_use(UUID) is None, "also when asked again"


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that knows one GPU, half of whose memory is used."""

    def handle(uuid: str) -> str:
        if uuid != UUID:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return "handle"

    memory = SimpleNamespace(used=40 * 2**30, total=80 * 2**30)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", handle)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: memory)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda handle: SimpleNamespace(gpu=62))


def test_the_numbers_of_the_driver_are_returned(driver: None) -> None:
    assert gpu_use(UUID) == GpuUse(62.0, 40 * 2**30, 80 * 2**30)
    assert gpu_use("GPU-another") is None


def test_the_use_of_a_part_of_a_gpu_is_not_known(driver: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: str) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", refuse)
    assert gpu_use(UUID) == GpuUse(None, 40 * 2**30, 80 * 2**30)
