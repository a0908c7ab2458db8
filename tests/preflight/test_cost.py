"""The estimate before the start, against the models themselves, a measured process, and runs on disk."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

from socal_core.models.build import build_classifier
from socal_core.models.encoders import build_encoder
from socal_core.models.tuning import choose_trained_weights
from socal_core.preflight.cost import CORE_SPEED, EPOCH_SECONDS, GPU_SPEED, estimate, measured_speed
from socal_core.preflight.machine import Gpu, Machine
from socal_core.preflight.training_step import memory_of, passes, trained_parameters
from socal_core.runs.architecture import TINY_ARCHITECTURE, Architecture, architecture_of
from socal_core.runs.folder import RunFolder
from socal_core.settings import PRETRAINED, TINY, config_from
from socal_core.storage import write_json
from tests.made_runs import write_run

GB = 10**9
LAPTOP = Machine(cores=8, memory=16 * GB, free_memory=12 * GB, free_disk=200 * GB)
GPU = Gpu("A GPU", 24 * GB)
BASE = Architecture()
SMALL = Architecture(96, 3, 4, 160, 48, 8, 2)
UNEVEN = Architecture(64, 2, 2, 256, 50, 16, 4)
OBLONG = Architecture(96, 3, 4, 160, 48, (16, 8), 2)


def model_of(architecture: Architecture, num_frames: int = 16, **settings: Any) -> VideoMAEForVideoClassification:
    config = VideoMAEConfig(**asdict(architecture), num_frames=num_frames, num_labels=2, **settings)
    return VideoMAEForVideoClassification(config)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [TINY_ARCHITECTURE, BASE, SMALL, UNEVEN, OBLONG])
@pytest.mark.sampled(3)
def test_parameters_are_those_of_the_model(architecture: Architecture) -> None:
    with torch.device("meta"):
        model = model_of(architecture)
    assert architecture.parameters == sum(weights.numel() for weights in model.parameters() if weights.requires_grad)


@pytest.mark.parametrize("tune", ["full", "last:2", "last:99", "frozen", "lora"])
@pytest.mark.parametrize("modules", ["query value", "dense key"])
@pytest.mark.sampled(5)
def test_trained_parameters_are_those_of_the_model(tune: str, modules: str) -> None:
    if tune == "last:99":
        tune = f"last:{TINY_ARCHITECTURE.num_hidden_layers}"
    config = config_from({"recipe": "finetune", "tune": tune, "lora_rank": 5, "lora_modules": modules}, TINY)
    model = build_classifier(config).model
    choose_trained_weights(model, config.model, seed=0)
    counted = sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
    assert trained_parameters(config.model, TINY_ARCHITECTURE) == counted


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["full", "last:2", "frozen", "lora"])
def test_work_of_training_is_what_pytorch_counts(tune: str) -> None:
    """Counted on one clip: forward and backward pass, in units of the forward pass."""
    config = config_from({"recipe": "finetune", "tune": tune, "num_frames": 4, "lora_rank": 1}, TINY)
    model = build_classifier(config).model
    choose_trained_weights(model, config.model, seed=0)
    model.set_attn_implementation("eager")
    pixels = torch.rand(1, 4, 3, 96, 96)
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(pixel_values=pixels)
    with FlopCounterMode(display=False) as training:
        model(pixel_values=pixels).logits.sum().backward()
    counted = training.get_total_flops() / forward.get_total_flops()
    assert passes(config, TINY_ARCHITECTURE) == pytest.approx(counted, rel=0.05)


def test_tiny_is_as_it_is_built() -> None:
    model = build_classifier(config_from({}, TINY)).model
    assert model.config.to_dict().items() >= asdict(TINY_ARCHITECTURE).items()
    assert sum(weights.numel() for weights in model.parameters()) == TINY_ARCHITECTURE.parameters


@pytest.mark.parametrize(("architecture", "num_frames"), [(TINY_ARCHITECTURE, 16), (SMALL, 8), (UNEVEN, 10)])
@pytest.mark.sampled(2)
def test_work_is_what_pytorch_counts(architecture: Architecture, num_frames: int) -> None:
    """PyTorch counts operations on its meta device, which computes nothing."""
    with torch.device("meta"):
        model = model_of(architecture, num_frames, attn_implementation="eager").eval()
        pixels = torch.empty(1, num_frames, 3, architecture.image_size, architecture.image_size)
    with FlopCounterMode(display=False) as forward:
        logits = model(pixel_values=pixels).logits
    assert architecture.forward_flop(num_frames) == forward.get_total_flops()
    with FlopCounterMode(display=False) as back:
        logits.sum().backward()
    # The pixels need no gradient.
    embedding = architecture.tokens(num_frames) * 3 * architecture.tubelet_size * architecture.patch_size**2
    assert back.get_total_flops() == 2 * (architecture.forward_flop(num_frames) - embedding * architecture.hidden_size)


def kept_by(architecture: Architecture, dropout: float, checkpointing: bool) -> int:
    """Return the bytes that autograd stores for the backward pass of two clips of 8 frames, without the weights."""
    model = model_of(architecture, 8, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout).train()
    if checkpointing:
        model.activation_checkpointing_enable()
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(pixel_values=torch.randn(2, 8, 3, architecture.image_size, architecture.image_size)).logits.sum()
    assert loss.isfinite()
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in weights)


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("size", [48, 112])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.sampled(4)
def test_memory_of_a_layer_is_what_the_backward_pass_needs(size: int, dropout: float, checkpointing: bool) -> None:
    one, two = (replace(SMALL, image_size=size, num_hidden_layers=layers) for layers in (1, 2))
    measured = (kept_by(two, dropout, checkpointing) - kept_by(one, dropout, checkpointing)) / 2
    estimated = two.kept_bytes(8, dropout > 0, False, checkpointing) - one.kept_bytes(
        8, dropout > 0, False, checkpointing
    )
    assert estimated == pytest.approx(measured, rel=0.15)


MEASURE = """
import json, sys, torch, socal_core.training.loop
from transformers import VideoMAEConfig, VideoMAEForVideoClassification
parts, checkpointing = json.loads(sys.argv[1])
config = VideoMAEConfig(hidden_size=96, num_hidden_layers=6, num_attention_heads=6, intermediate_size=384,
    image_size=160, num_frames=16, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
model = VideoMAEForVideoClassification(config).train()
if checkpointing:
    model.activation_checkpointing_enable()
optimizer = torch.optim.AdamW(model.parameters())
for part in torch.randn(4, 16, 3, 160, 160).chunk(parts):
    model(pixel_values=part).logits.sum().backward()
optimizer.step()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux reports the peak memory of a process")
@pytest.mark.parametrize(("parts", "checkpointing", "least"), [(1, False, 1.5), (2, False, 1.1), (1, True, 0.8)])
@pytest.mark.sampled(1)
def test_memory_is_that_of_a_process(parts: int, checkpointing: bool, least: float) -> None:
    command = [sys.executable, "-c", MEASURE, json.dumps([parts, checkpointing])]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = int(result.stdout) * 1024
    settings = {"accumulation_steps": parts, "gradient_checkpointing": checkpointing, "attention_dropout": 0.1}
    config = config_from(settings, TINY)
    estimated = memory_of(config, Architecture(96, 6, 6, 384, 160), 4, LAPTOP)
    assert measured > least * GB, "the clips weigh much beside PyTorch itself"
    assert 1 / 1.5 < estimated / measured < 1.5, (estimated, measured)


def test_the_published_figures_of_the_base_model() -> None:
    """86.5 M parameters with its 400 classes, 1,568 tokens, 180 G multiply-adds (VideoMAE's own tables)."""
    assert BASE.parameters + 398 * 769 == pytest.approx(86.5e6, rel=0.001)
    assert BASE.tokens(16) == 1568
    assert BASE.forward_flop(16) == pytest.approx(2 * 180e9, rel=0.01)


def test_time_is_work_over_speed() -> None:
    config = config_from({"model": PRETRAINED, "num_epochs": 10, "test_clips": 2}, TINY)
    cost = estimate(config, 100, 20, 20, LAPTOP, speed=1e12)
    clip = BASE.forward_flop(16)
    assert cost.epoch_seconds == pytest.approx((300 + 40) * clip / 1e12)
    assert cost.seconds == pytest.approx(10 * cost.epoch_seconds + 280 * clip / 1e12 + 10)
    assert (cost.training_clips, cost.evaluation_clips, cost.measured) == (100, 40, True)
    again = estimate(config.replace(gradient_checkpointing=True), 100, 20, 20, LAPTOP, speed=1e12)
    assert again.epoch_seconds == pytest.approx((400 + 40) * clip / 1e12), "forward once more"
    usual = estimate(config, 100, 20, 20, LAPTOP)
    assert not usual.measured
    assert usual.epoch_seconds == pytest.approx(340 * clip / (8 * CORE_SPEED), rel=0.05)
    on_gpu = estimate(config, 100, 20, 20, replace(LAPTOP, gpu=GPU))
    assert on_gpu.epoch_seconds == pytest.approx(340 * clip / GPU_SPEED + EPOCH_SECONDS, rel=0.05)


@pytest.mark.parametrize(("optimizer", "numbers"), [("AdamW", 3), ("SGD", 2)])
def test_three_checkpoints_of_weights_and_moments(optimizer: str, numbers: int) -> None:
    config = config_from({"model": TINY, "recipe": "finetune", "optimizer": optimizer}, TINY)
    assert estimate(config, 30, 4, 4, LAPTOP).checkpoints == 3 * numbers * 4 * TINY_ARCHITECTURE.parameters


@pytest.mark.parametrize(
    ("settings", "machine", "words"),
    [
        ({}, LAPTOP, ["of memory, but this machine has 16.0 GB", "Set accumulation_steps to 2."]),
        (
            {},
            replace(LAPTOP, memory=64 * GB, free_memory=20 * GB),
            ["20.0 GB of 64.0 GB are free", "Close other programs, or set accumulation_steps to 2."],
        ),
        ({}, replace(LAPTOP, memory=6 * GB), ["Set gradient_checkpointing on and accumulation_steps to 2."]),
        (
            {"accumulation_steps": 4, "gradient_checkpointing": True},
            replace(LAPTOP, memory=int(3.8e9), free_memory=int(3.8e9)),
            ["Set num_frames to 10."],
        ),
        (
            {"accumulation_steps": 4, "gradient_checkpointing": True},
            replace(LAPTOP, free_memory=2 * GB),
            ["2.0 GB of 16.0 GB are free now. Close other programs."],
        ),
        ({}, replace(LAPTOP, memory=1 * GB), ["Not even one clip fits. Choose `tiny`"]),
        (
            {"batch_size": 64},
            replace(LAPTOP, gpu=Gpu("A GPU", 12 * GB)),
            ["the GPU has 12.0 GB", "accumulation_steps to"],
        ),
        ({"attention_dropout": 0.0, "num_epochs": 900}, LAPTOP, ["900 epochs take about", "days on 8 processor cores"]),
        (
            {"attention_dropout": 0.0},
            replace(LAPTOP, free_disk=4 * GB),
            ["up to 4.1 GB of disk space", "4.0 GB are free"],
        ),
    ],
)
def test_a_run_that_does_not_fit_gives_a_warning_with_settings_that_fit(
    settings: dict[str, Any], machine: Machine, words: list[str]
) -> None:
    config = config_from({"model": PRETRAINED, "attention_dropout": 0.2, **settings}, TINY)
    cost = estimate(config, 115, 14, 14, machine)
    assert len(cost.warnings) == 1, cost.warnings
    assert all(word in cost.warnings[0] for word in words), cost.warnings


@pytest.mark.parametrize(
    ("model", "settings", "machine"),
    [
        (TINY, {}, LAPTOP),
        (PRETRAINED, {}, LAPTOP),
        (PRETRAINED, {}, replace(LAPTOP, gpu=GPU)),
    ],
)
def test_a_run_that_fits_gives_no_warning(model: str, settings: dict[str, Any], machine: Machine) -> None:
    assert estimate(config_from({"model": model, **settings}, TINY), 115, 14, 14, machine).warnings == ()


def test_several_gpus_share_work_and_clips() -> None:
    two = config_from({"model": PRETRAINED, "gpus": 2, "batch_size": 8}, TINY)
    machine = replace(LAPTOP, gpu=replace(GPU, count=3))
    half = config_from({"model": PRETRAINED, "batch_size": 4}, TINY)
    cost, alone = estimate(two, 100, 20, 20, machine, 1e12), estimate(half, 100, 20, 20, machine, 1e12)
    assert cost.epoch_seconds == pytest.approx(alone.epoch_seconds / 2)
    assert cost.memory == alone.memory
    only_one = replace(LAPTOP, gpu=GPU)
    assert estimate(two, 100, 20, 20, only_one, 1e12).epoch_seconds == pytest.approx(alone.epoch_seconds)


def test_the_proposed_settings_fit_and_smaller_changes_do_not() -> None:
    config = config_from({"model": PRETRAINED, "batch_size": 16, "attention_dropout": 0.2}, TINY)
    for memory in (10 * GB, 16 * GB, 50 * GB):
        (warning,) = estimate(config, 115, 14, 14, replace(LAPTOP, memory=memory, free_memory=memory)).warnings
        found = re.search(r"Set accumulation_steps to (\d+)\.", warning)
        assert found is not None, warning
        steps = int(found[1])
        taken, more = (
            memory_of(config.replace(accumulation_steps=count), BASE, 16, LAPTOP) for count in (steps, steps - 1)
        )
        assert taken <= memory < more


def made_run(path: Path, data: Path, device: str = "cpu", epochs: int = 4, **settings: object) -> RunFolder:
    """A run whose epochs take 2.5 s each."""
    run = write_run(path, data, epochs=epochs, **settings)
    write_json(run.environment_file, {"device": device})
    return run


def test_the_speed_of_an_earlier_run(tmp_path: Path, shared_data_folder: Path) -> None:
    run = made_run(tmp_path / "a", shared_data_folder, test_clips=5)
    split = run.read_split()
    flop = (3 * len(split.train) + 5 * len(split.validation)) * TINY_ARCHITECTURE.forward_flop(16)
    assert measured_speed([run], TINY, 16, None) == pytest.approx(flop / 2.5)
    write_json(run.environment_file, {"device": "cpu", "processes": 2})
    assert measured_speed([run], TINY, 16, None) == pytest.approx(flop / 2.5 / 2), "of one"
    assert measured_speed([], TINY, 16, None) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "epochs", "settings"),
    [
        ("A GPU", 4, {}),
        ("cpu", 1, {}),
        ("cpu", 4, {"num_frames": 8}),
        ("cpu", 4, {"model": PRETRAINED}),
    ],
)
def test_runs_without_a_speed_are_skipped(
    tmp_path: Path, shared_data_folder: Path, device: str, epochs: int, settings: dict[str, object]
) -> None:
    other = made_run(tmp_path / "b", shared_data_folder, device, epochs, **settings)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    good = made_run(tmp_path / "a", shared_data_folder)
    assert measured_speed([RunFolder(tmp_path / "broken"), other], TINY, 16, None) is None
    assert measured_speed([RunFolder(tmp_path / "broken"), other, good], TINY, 16, None) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"hidden_size": 384, "num_attention_heads": 6, "depth": 3}',
            replace(BASE, hidden_size=384, num_attention_heads=6),
        ),
        ('{"image_size": [112, 112], "patch_size": [8, 8]}', replace(BASE, image_size=112, patch_size=8)),
        ('{"patch_size": [16, 8]}', replace(BASE, patch_size=(16, 8))),
        ('{"image_size": null}', BASE),
        ('{"image_size": [112, 224]}', BASE),
        ('{"patch_size": [16]}', BASE),
        ('{"hidden_size": "384"}', BASE),
        ('{"hidden_size": true}', BASE),
        ('{"num_hidden_layers": 0}', BASE),
        ("[1]", BASE),
        ("{", BASE),
        (None, BASE),
    ],
)
def test_sizes_are_read_from_a_local_model(tmp_path: Path, text: str | None, expected: Architecture) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert architecture_of(str(tmp_path)) == expected


@pytest.mark.parametrize(
    "sizes", [{"image_size": [48, 48], "patch_size": [16, 8]}, {"image_size": 50, "patch_size": [16, 16]}], ids=str
)
def test_sizes_given_as_lists_count_as_in_the_model(tmp_path: Path, sizes: dict[str, Any]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    with torch.device("meta"):
        model = VideoMAEForVideoClassification(VideoMAEConfig(**sizes, num_frames=8, num_labels=2))
    found = architecture_of(str(tmp_path))
    assert found.tokens(8) == model.videomae.embeddings.num_patches
    assert found.parameters == sum(weights.numel() for weights in model.parameters())


@pytest.mark.parametrize("model", [PRETRAINED, "no id at all", "a" * 5000, "nul\0"])
def test_an_absent_model_counts_as_the_base_model(model: str) -> None:
    assert architecture_of(model) == BASE


def test_frozen_features_cost_a_forward_pass_of_each_encoder() -> None:
    """The run has 100 trials with two clips of 16 frames, on eight cores."""
    settings = {"recipe": "frozen", "test_clips": 2, "model": PRETRAINED}
    video, image, both = (
        estimate(config_from({**settings, "encoder": encoder}, TINY), 80, 10, 10, LAPTOP)
        for encoder in ("video", "image", "both")
    )
    head_and_start = 100 * 0.03 + 10
    # VideoMAE base: 360.7 GFLOP forward by PyTorch's own counter; 70 GFLOP a second and core.
    assert video.seconds == pytest.approx(200 * 360.7e9 / (8 * 70e9) + head_and_start, rel=0.01)
    # EfficientNet-Lite0: 8.6 ms a frame of 160 px and core, as measured.
    # EfficientNet-Lite0: 22 ms per frame of 224 px and core, as measured.
    assert image.seconds == pytest.approx(200 * 16 * 22e-3 / 8 + head_and_start, rel=0.1)
    assert both.seconds == pytest.approx(video.seconds + image.seconds - head_and_start)
    assert (both.training_clips, both.warnings) == (200, ())
    assert image.memory < video.memory < both.memory < 3 * GB
    encoder = build_encoder("image", config_from(settings, TINY)).module
    weights = [values.numel() for name, values in encoder.named_parameters() if "_fc" not in name]
    assert image.parameters == sum(weights)


def test_days_of_embedding_give_a_warning() -> None:
    config = config_from({"recipe": "frozen", "encoder": "video", "model": PRETRAINED, "test_clips": 20}, TINY)
    # 1,600 trials x 20 clips x 360.7 GFLOP at 70 GFLOP a second are 164,900 s.
    assert "takes about 1.9 days" in " ".join(estimate(config, 1000, 400, 200, replace(LAPTOP, cores=1)).warnings)
