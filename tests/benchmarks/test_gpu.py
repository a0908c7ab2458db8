"""benchmarks/gpu.py: what can be tested without a GPU."""

import subprocess
import sys

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu import NO_GPU, exact_products, step_flop
from benchmarks.training_step import our_step
from socal_core.runs.architecture import Architecture
from socal_core.settings import TINY, Recipe, config_from

SMALL = Architecture(hidden_size=96, num_hidden_layers=3, num_attention_heads=3, intermediate_size=384, image_size=64)


@pytest.mark.parametrize("clips", [1, 3])
@pytest.mark.sampled(1)
def test_operations_of_a_step_are_those_that_pytorch_counts(clips: int) -> None:
    config = config_from({"recipe": Recipe.SMALL_DATA, "num_frames": 16}, TINY)
    step = our_step(SMALL, clips, config).take
    # PyTorch counts no operations of the attention kernels of a processor, but those of separate products.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    # The backward pass does not compute the gradient of the pixels, which would take as much as the embedding.
    embedding = 2 * SMALL.tokens(16) * SMALL.hidden_size * 3 * 2 * 16**2
    assert counter.get_total_flops() == step_flop(SMALL, config, clips) - clips * embedding


def test_products_are_exact_only_inside() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with exact_products():
        assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == ("highest", False)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_fails() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip(), done.stdout) == (1, NO_GPU, "")
