"""socal_core.training.distributed: the precision of training."""

from pathlib import Path

import pytest
import torch

from socal_core.lifecycle.state import RunState
from socal_core.models.build import load_classifier
from socal_core.runs.architecture import architecture_for
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.events import epochs_table, read_events
from socal_core.settings import PRETRAINED, TINY, TrainConfig, config_from
from socal_core.training import distributed
from socal_core.training.distributed import FASTER_FROM, make_accelerator
from socal_core.training.worker import work
from tests.training.small_runs import new_run

BASE, SMALL = config_from({"recipe": "notebook"}, PRETRAINED), config_from({"recipe": "finetune"}, TINY)
FROZEN = config_from({"recipe": "frozen"}, PRETRAINED)


@pytest.fixture(autouse=True)
def processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU, on a processor with instructions for bfloat16."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})


@pytest.mark.parametrize(
    ("config", "recorded", "expected"),
    [(BASE, None, "bf16"), (SMALL, None, "no"), (FROZEN, None, "no"), (BASE, "no", "no"), (SMALL, "bf16", "bf16")],
)
def test_large_models_train_in_bfloat16_and_runs_keep_their_precision(
    config: TrainConfig, recorded: str | None, expected: str
) -> None:
    assert architecture_for(BASE).hidden_size >= FASTER_FROM > architecture_for(SMALL).hidden_size
    assert make_accelerator(config, recorded).mixed_precision == expected


def test_a_processor_without_the_instructions_uses_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert make_accelerator(BASE, None).mixed_precision == "no"


@pytest.mark.slow
def test_a_run_in_bfloat16_has_weights_in_float32_and_nearly_the_same_losses(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = new_run(tmp_path / "plain", shared_data_folder, num_epochs=1)
    assert work(plain, resume=False) is RunState.DONE
    monkeypatch.setattr(distributed, "FASTER_FROM", 1)
    mixed = new_run(tmp_path / "mixed", shared_data_folder, num_epochs=1)
    assert work(mixed, resume=False) is RunState.DONE
    assert (plain.read_environment().mixed_precision, mixed.read_environment().mixed_precision) == ("no", "bf16")
    weights = load_classifier(newest_checkpoint(mixed) or Path()).model.parameters()
    assert all(tensor.dtype == torch.float32 for tensor in weights)
    losses = [epochs_table(read_events(run.events_file))["train_loss"].tolist() for run in (plain, mixed)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.slow
def test_a_resumed_run_keeps_the_precision_that_it_began_with(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, num_epochs=1)
    assert work(run, resume=False) is RunState.DONE
    values = run.environment_file.read_text(encoding="utf-8")
    run.environment_file.write_text(values.replace('"mixed_precision": "no"', '"mixed_precision": "bf16"'))
    assert work(run, resume=True) is RunState.DONE
    assert run.read_environment().mixed_precision == "bf16"
