"""socal_core.pretraining.frames: the frames that are read, stop, kill, resume, and the model that is written."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import VideoMAEForPreTraining

from socal_core import __version__
from socal_core.dataset import dataset as dataset_module
from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import ConfigError, DataError, ModelError, RunError, SocalError
from socal_core.models.build import build_classifier
from socal_core.models.weights_record import describe_weights
from socal_core.pretraining.frames import WARNING
from socal_core.pretraining.loop import SUMMARY_FILE, Ending, Observer
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE
from socal_core.runs.files.pretraining_record import PRETRAINING, PretrainingRecord, SeenFrames
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, ModelSettings, config_from
from tests.factories import write_dataset
from tests.models.checkpoints import write_classifier, write_json, write_pretrained
from tests.preloaded import run_preloaded
from tests.pretraining.small_frames import SETTINGS, STEPS, frames_task, pretrain

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from socal_core.pretraining.loop import Observer, run_task
from tests.pretraining.small_frames import frames_task
data, model, out = map(Path, sys.argv[1:])
written = []
def kill_at_the_sixth(file):
    written.append(file)
    if len(written) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
def stage(name, done, total):
    if name == "Training":  # from here on, only checkpoints are written
        os.fsync = kill_at_the_sixth
run_task(out, lambda: frames_task(data, model), observer=Observer(stage=stage), checkpoint_seconds=0)
"""


KILLED_IN_A_STAGE = """
import os, signal, sys
from pathlib import Path
from socal_core.pretraining.loop import Observer, run_task
from tests.pretraining.small_frames import frames_task
data, model, out = map(Path, sys.argv[1:4])
def stage(name, done, total):
    if (name, done) == (sys.argv[4], 2):
        os.kill(os.getpid(), signal.SIGKILL)
run_task(out, lambda: frames_task(data, model), observer=Observer(stage=stage))
"""


def stop_at(step: int) -> Observer:
    done = [0]

    def stage(name: str, number: int, total: int) -> None:
        if name == "Training":
            done[0] = number

    return Observer(stage=stage, stop=lambda: done[0] >= step)


def record_of(out: Path) -> PretrainingRecord:
    record = PRETRAINING.read(out, "Model")
    assert record is not None
    return record


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VideoMAE with a decoder."""
    folder = tmp_path_factory.mktemp("models") / "start"
    write_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path, model: Path) -> Path:
    out = tmp_path_factory.mktemp("frames") / "whole"
    assert pretrain(shared_data_folder, model, out) is Ending.DONE
    return out


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path, model: Path) -> Path:
    out = tmp_path_factory.mktemp("frames") / "stopped"
    assert pretrain(shared_data_folder, model, out, observer=stop_at(4)) is Ending.STOPPED
    return out


@pytest.fixture
def to_resume(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "run"))


@pytest.fixture
def frames_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the frames that are decoded."""
    read: set[str] = set()
    decode = dataset_module.read_frame

    def noting(path: Path, short_edge: int | None = None) -> Any:
        read.add(path.name)
        return decode(path, short_edge)

    monkeypatch.setattr(dataset_module, "read_frame", noting)
    return read


@pytest.mark.parametrize("sampling", ["dense", "segments"])
@pytest.mark.sampled(1)
def test_no_frame_of_an_excluded_surgeon_is_read(
    tmp_path: Path, shared_data_folder: Path, model: Path, frames_read: set[str], sampling: str
) -> None:
    notices: list[str] = []
    observer = Observer(notice=notices.append)
    pretrain(shared_data_folder, model, tmp_path / "out", observer=observer, sampling=sampling)
    record = record_of(tmp_path / "out")
    assert len(record.excluded_surgeons) == 2
    assert len(frames_read) == 16 * 12, "every frame of the other surgeons"
    assert {name.partition("_")[0] for name in frames_read} == set(record.seen.trials)
    assert not {name[1:4] for name in frames_read} & set(record.excluded_surgeons)
    assert notices == ["Pre-training uses 16 trials of 8 surgeons. Surgeons of the test subset, who are left out: 2."]


def test_only_the_window_is_read(tmp_path: Path, shared_data_folder: Path, model: Path, frames_read: set[str]) -> None:
    pretrain(shared_data_folder, model, tmp_path / "out", window="2:8", num_epochs=1)
    assert {int(name[-13:-5]) for name in frames_read} == set(range(3, 9))


def test_the_surgeons_of_the_test_subset_are_included_only_with_a_warning(
    tmp_path: Path, shared_data_folder: Path, model: Path, frames_read: set[str]
) -> None:
    notices: list[str] = []
    pretrain(
        shared_data_folder,
        model,
        tmp_path / "out",
        observer=Observer(notice=notices.append),
        include_test=True,
        num_epochs=1,
    )
    record = record_of(tmp_path / "out")
    assert record.warning == WARNING
    assert WARNING in notices[0]
    assert len(record.seen.trials) == 20
    assert len(frames_read) == 240


def test_the_folder_says_what_the_model_has_seen(finished: Path, shared_data_folder: Path, model: Path) -> None:
    record = record_of(finished)
    dataset = open_dataset(shared_data_folder)
    assert record.seen.fingerprint == dataset.fingerprint
    assert set(record.excluded_surgeons) == set(dataset.trials["participant_id"]) - {t[1:4] for t in record.seen.trials}
    assert record.weights == describe_weights(ModelSettings(model=str(model)))
    assert (record.earlier, record.left_out, record.new_decoder, record.warning) == ((), {}, False, "")
    assert record.socal_core == __version__
    assert (
        record.settings.items() >= {"num_frames": 4, "sampling": "dense", "split_method": "surgeon", "seed": 0}.items()
    )


def test_what_the_start_weights_had_seen_is_recorded_too(tmp_path: Path, finished: Path) -> None:
    data = write_dataset(tmp_path / "other", surgeons=4, seed=1)
    pretrain(data, finished, tmp_path / "second", num_epochs=1)
    pretrain(data, tmp_path / "second", tmp_path / "third", num_epochs=1, seed=1)
    first, second, third = (record_of(out) for out in (finished, tmp_path / "second", tmp_path / "third"))
    assert second.earlier == (first.seen,)
    assert third.earlier == (first.seen, second.seen)


def test_the_model_is_the_network_and_hugging_face_loads_it(finished: Path, model: Path) -> None:
    network = torch.load(finished / CHECKPOINT_FILE, weights_only=True)["network"]
    weights = load_file(finished / "model.safetensors")
    assert {f"model.{name}" for name in weights} == network.keys()
    assert all(torch.equal(weights[name], network[f"model.{name}"]) for name in weights)
    loaded, info = VideoMAEForPreTraining.from_pretrained(finished, output_loading_info=True)
    assert not (info["missing_keys"] or info["unexpected_keys"] or info["mismatched_keys"])
    start = VideoMAEForPreTraining.from_pretrained(model).state_dict()
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, weights[name])
        assert not torch.equal(tensor, start[name]), f"{name} is trained"
    assert (finished / "preprocessor_config.json").is_file()


def test_the_norm_of_a_classifier_is_kept_for_the_run_that_fine_tunes_the_result(
    tmp_path: Path, shared_data_folder: Path
) -> None:
    stored = write_classifier(tmp_path / "start")
    pretrain(shared_data_folder, tmp_path / "start", tmp_path / "out", num_epochs=1)
    settings = {**SETTINGS, "stride": 1, "recipe": "finetune", "model": str(tmp_path / "out")}
    weights = build_classifier(config_from(settings, TINY)).model.state_dict()
    for name in ("fc_norm.weight", "fc_norm.bias"):
        assert torch.equal(weights[name], stored[name])


def test_the_encoder_changes_by_a_tenth_of_what_the_decoder_does(
    tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    # The first step of AdamW changes a weight by the learning rate, unless its gradient is tiny.
    pretrain(shared_data_folder, model, tmp_path / "out", num_epochs=1, batch_size=16, weight_decay=0.0)
    before, after = load_file(model / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    changes = {name: (after[name] - before[name]).abs().max().item() for name in after if name in before}
    assert changes["decoder.head.bias"] == pytest.approx(3e-4, rel=0.01)
    assert changes["videomae.embeddings.patch_embeddings.projection.bias"] == pytest.approx(3e-5, rel=0.2)


@pytest.mark.slow
def test_the_loss_falls_where_masked_pixels_can_be_inferred(tmp_path: Path, data_folder: Path) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[:, None], (48, 64, 3))
    for frame in (data_folder / layout.IMAGES_DIR).iterdir():
        Image.fromarray(ramp).save(frame)
    write_classifier(tmp_path / "model")
    losses: list[float] = []
    observer = Observer(report=lambda values: losses.append(values["masked"]))
    settings = {"num_epochs": 40, "learning_rate": 3e-3, "horizontal_flip": 0.0}
    pretrain(data_folder, tmp_path / "model", tmp_path / "out", observer=observer, **settings)
    assert losses[-1] < 0.5 * losses[0]


def assert_same_result(out: Path, other: Path) -> None:
    states = [torch.load(folder / CHECKPOINT_FILE, weights_only=True) for folder in (out, other)]
    assert states[0]["step"] == states[1]["step"] == STEPS
    assert (out / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert record_of(out) == record_of(other)
    summaries = [json.loads((folder / SUMMARY_FILE).read_text()) for folder in (out, other)]
    assert [summary.pop("seconds") >= 0 for summary in summaries] == [True, True]
    assert summaries[0] == summaries[1]


@pytest.mark.slow
def test_a_stopped_run_is_resumed_to_the_same_bits(
    finished: Path, to_resume: Path, shared_data_folder: Path, model: Path
) -> None:
    assert not (to_resume / "model.safetensors").exists()
    assert pretrain(shared_data_folder, model, to_resume, resume=True, observer=stop_at(7)) is Ending.STOPPED
    assert pretrain(shared_data_folder, model, to_resume, resume=True, num_workers=0) is Ending.DONE
    assert_same_result(to_resume, finished)
    assert pretrain(shared_data_folder, model, to_resume, resume=True) is Ending.WAS_DONE


@pytest.mark.slow
def test_a_run_killed_while_writing_is_resumed_to_the_same_bits(
    finished: Path, tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    out = tmp_path / "run"
    killed = run_preloaded("-c", KILLED_WHILE_WRITING, shared_data_folder, model, out)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(out.glob(".*.tmp"))) == 1
    assert torch.load(out / CHECKPOINT_FILE, weights_only=True)["step"] == 5
    assert pretrain(shared_data_folder, model, out, resume=True) is Ending.DONE
    assert_same_result(out, finished)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["Training", "Reading clips"])
@pytest.mark.sampled(1)
def test_a_run_killed_before_a_checkpoint_is_due_starts_again(
    finished: Path, tmp_path: Path, shared_data_folder: Path, model: Path, stage: str
) -> None:
    out = tmp_path / "run"
    killed = run_preloaded("-c", KILLED_IN_A_STAGE, shared_data_folder, model, out, stage)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert out.is_dir()
    assert pretrain(shared_data_folder, model, out, resume=stage == "Training") is Ending.DONE
    assert_same_result(out, finished)


@pytest.mark.slow
def test_a_run_stopped_before_its_clips_are_read_is_resumed(
    finished: Path, tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    stages: list[str] = []
    observer = Observer(stage=lambda name, done, total: stages.append(name), stop=lambda: True)
    assert pretrain(shared_data_folder, model, tmp_path / "run", observer=observer) is Ending.STOPPED
    assert "Training" not in stages
    assert pretrain(shared_data_folder, model, tmp_path / "run", resume=True) is Ending.DONE
    assert_same_result(tmp_path / "run", finished)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"num_epochs": 4, "window": "0:9"},
            r"other settings\. Resume it with --set num_epochs=3, --set window=whole\.$",
        ),
        ({"include_test": True}, r"other settings\. Resume it with no --include-test\.$"),
    ],
)
def test_changed_settings_are_refused_on_resume(
    to_resume: Path, shared_data_folder: Path, model: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        pretrain(shared_data_folder, model, to_resume, resume=True, **changes)
    assert (to_resume / CHECKPOINT_FILE).is_file()


def test_another_model_and_other_data_are_refused_on_resume(
    to_resume: Path, tmp_path: Path, shared_data_folder: Path, model: Path
) -> None:
    shutil.copytree(model, tmp_path / "changed")
    content = (model / "model.safetensors").read_bytes()
    (tmp_path / "changed" / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RunError, match=r"was started with weights of another model\. Resume it with --set model="):
        pretrain(shared_data_folder, tmp_path / "changed", to_resume, resume=True)
    data = write_dataset(tmp_path / "data", frames=13)
    with pytest.raises(RunError, match=r"was started with other data than the folder has now\. Restore the data"):
        pretrain(data, model, to_resume, resume=True)


@pytest.mark.slow
def test_other_readable_trials_are_refused_on_resume(tmp_path: Path, data_folder: Path, model: Path) -> None:
    assert pretrain(data_folder, model, tmp_path / "run", observer=stop_at(2)) is Ending.STOPPED
    trial = record_of(tmp_path / "run").seen.trials[0]
    for frame in (data_folder / layout.IMAGES_DIR).glob(f"{trial}_*"):
        frame.write_bytes(b"broken")
    with pytest.raises(RunError, match=rf"other trials could be read, such as {trial}\. Restore their frames"):
        pretrain(data_folder, model, tmp_path / "run", resume=True)


@pytest.mark.slow
def test_unreadable_frames(tmp_path: Path, data_folder: Path, model: Path) -> None:
    trials = frames_task(data_folder, model)._choice.trials
    images = data_folder / layout.IMAGES_DIR
    for frame in images.glob(f"{trials[0]}_*"):
        frame.write_bytes(b"broken")
    notices: list[str] = []
    pretrain(data_folder, model, tmp_path / "one", observer=Observer(notice=notices.append), num_epochs=1)
    record = record_of(tmp_path / "one")
    assert record.seen.trials == trials[1:]
    assert "cannot be read" in record.left_out[trials[0]]
    assert any(trials[0] in notice for notice in notices)
    for frame in images.iterdir():
        frame.write_bytes(b"broken")
    with pytest.raises(DataError, match="None of the 16 trials has a clip that can be read; the first: S"):
        pretrain(data_folder, model, tmp_path / "none", num_epochs=1)
    assert not (tmp_path / "none").exists()


def test_a_checkpoint_of_a_run_is_refused(tmp_path: Path, shared_data_folder: Path) -> None:
    run = RunFolder.create(tmp_path / "run", config_from({"num_frames": 4}, TINY), shared_data_folder)
    write_classifier(run.checkpoints / "epoch-0001")
    with pytest.raises(ConfigError, match=r"model: must not be a checkpoint of a run, which has learnt from outcomes"):
        pretrain(shared_data_folder, run.checkpoints / "epoch-0001", tmp_path / "out")


@pytest.mark.parametrize("what", ["model", "data", "record"])
@pytest.mark.sampled(1)
def test_an_error_leaves_no_folder(tmp_path: Path, shared_data_folder: Path, what: str) -> None:
    write_pretrained(tmp_path / "model", **({"model_type": "bert"} if what == "model" else {}))
    if what == "record":
        write_json(tmp_path / "model" / PRETRAINING.name, {"trials": 3})
    expected: type[SocalError] = {"model": ModelError, "data": DataError, "record": RunError}[what]
    settings = {"window": "100:200"} if what == "data" else {}
    with pytest.raises(expected):
        pretrain(shared_data_folder, tmp_path / "model", tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_overwritten(finished: Path, shared_data_folder: Path, model: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in finished.iterdir()}
    with pytest.raises(RunError, match=r"whole exists already\. Choose another folder, or continue with --resume"):
        pretrain(shared_data_folder, model, finished)
    assert {file.name: file.stat().st_mtime_ns for file in finished.iterdir()} == before


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    record = SeenFrames("ab", ("S1T1",))
    write_json(tmp_path / PRETRAINING.name, {"format": 1, "seen": {"fingerprint": record.fingerprint}})
    with pytest.raises(RunError, match=r"pretraining.json cannot be read: its field .* is missing\. Pre-train"):
        PRETRAINING.read(tmp_path, "Model m")
