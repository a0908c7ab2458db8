"""Exported models: the folder, what transformers and this project compute from it, and what is refused."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from transformers import AutoImageProcessor, AutoModelForVideoClassification, pipeline

from socal_core.clips.plan import ClipPlan
from socal_core.errors import ModelError, RunError
from socal_core.evaluation.predict_trials import predict_trials
from socal_core.exporting import onnx_file
from socal_core.exporting.export import export_run
from socal_core.exporting.export_record import EncoderWeights, read_export
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import load_classifier
from socal_core.runs.checkpoint_folders import best_checkpoint
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY
from socal_core.training.worker import work
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run
from tests.models.small_families import write_family
from tests.test_cli import run_cli
from tests.training.small_runs import new_run, small_model

TRIALS = ["S100T1", "S101T2", "S104T1"]


def trained(folder: Path, data: Path, **settings: Any) -> RunFolder:
    run = new_run(folder, data, num_epochs=1, **settings)
    assert work(run, resume=False) is RunState.DONE, read_status(run).reason
    return run


@pytest.fixture(scope="module")
def finetuned(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    """A run whose probabilities differ from trial to trial."""
    return trained(tmp_path_factory.mktemp("runs") / "tuned", shared_data_folder, learning_rate=1e-2)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, finetuned: RunFolder) -> Path:
    out = tmp_path_factory.mktemp("exported") / "model"
    export_run(finetuned, out)
    return out


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs") / "frozen"
    return trained(folder, shared_data_folder, recipe="frozen", encoder="video", model=TINY)


def probabilities(run: RunFolder) -> list[float]:
    return [row["prob_success"] for row in predict_trials(run, run.open_dataset(), TRIALS)]


def frames_of(run: RunFolder, trial_id: str) -> list[np.ndarray]:
    """The frames of the evaluation clip of a trial, as they are in the data, (height, width, 3)."""
    config, dataset = run.read_config(), run.open_dataset()
    plan = ClipPlan(dataset, config.clip, config.split.seed)
    names = plan.visible(trial_id).trial.frames
    return [dataset.read_frame(names[index]) for index in plan.indices_of(plan.evaluation_clips(trial_id)[0])]


def write_video(path: Path, frames: Sequence[np.ndarray]) -> None:
    """Write frames as a video without loss."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def predicted(capsys: pytest.CaptureFixture[str], folder: Path, data: Path) -> list[dict[str, Any]]:
    code, out, err = run_cli(capsys, "predict", folder, *TRIALS, "--data", data, "--json")
    assert code == 0, err
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


@pytest.mark.slow
def test_the_processor_and_the_model_give_the_probabilities_of_the_run(finetuned: RunFolder, exported: Path) -> None:
    processor = AutoImageProcessor.from_pretrained(exported)
    model = AutoModelForVideoClassification.from_pretrained(exported).eval()
    expected, found = probabilities(finetuned), []
    for trial in TRIALS:
        with torch.no_grad():
            logits = model(**processor(frames_of(finetuned, trial), return_tensors="pt")).logits
        found.append(float(logits.softmax(-1)[0, 1]))
    assert np.ptp(expected) > 0.01, "the trials differ, or nothing would be shown"
    assert found == pytest.approx(expected, abs=1e-4)
    assert model.config.id2label == {0: "failure", 1: "success"}


@pytest.mark.slow
def test_the_pipeline_gives_the_probabilities_of_the_run(tmp_path: Path, finetuned: RunFolder, exported: Path) -> None:
    classify = pipeline("video-classification", model=str(exported))
    for trial, expected in zip(TRIALS, probabilities(finetuned), strict=True):
        write_video(tmp_path / f"{trial}.mkv", frames_of(finetuned, trial))
        found = {row["label"]: row["score"] for row in classify(str(tmp_path / f"{trial}.mkv"))}
        assert found["success"] == pytest.approx(expected, abs=1e-4)
        assert found["failure"] == pytest.approx(1 - expected, abs=1e-4)


@pytest.mark.slow
def test_predict_accepts_the_folder(
    capsys: pytest.CaptureFixture[str], finetuned: RunFolder, exported: Path, shared_data_folder: Path
) -> None:
    expected = predict_trials(finetuned, finetuned.open_dataset(), TRIALS)
    found = predicted(capsys, exported, shared_data_folder)
    assert [row.pop("prob_success") for row in found] == pytest.approx(probabilities(finetuned), abs=1e-6)
    assert [(row["trial_id"], row["predicted"], row["threshold"]) for row in found] == [
        (row["trial_id"], row["predicted"], row["threshold"]) for row in expected
    ]
    code, _, err = run_cli(capsys, "predict", exported, *TRIALS)
    assert (code, "Name one with --data" in err) == (2, True)


@pytest.mark.slow
def test_several_clips_and_crops_are_averaged_as_in_the_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    settings = {"sampling": "segments", "test_clips": 2, "test_crops": 3, "window": "2:10"}
    run = trained(tmp_path / "run", shared_data_folder, **settings)
    export_run(run, tmp_path / "out")
    found = predicted(capsys, tmp_path / "out", shared_data_folder)
    assert [row["prob_success"] for row in found] == pytest.approx(probabilities(run), abs=1e-6)


@pytest.mark.slow
def test_the_card_is_one_of_the_hub(finetuned: RunFolder, exported: Path) -> None:
    card, metrics = ModelCard.load(exported / "README.md"), finetuned.read_metrics()
    assert metrics is not None
    assert card.data.pipeline_tag == "video-classification"
    assert "license" not in card.data.to_dict(), "nobody knows that of the test's weights"
    results = {result.metric_type: result for result in card.data.eval_results or []}
    assert results["roc_auc"].metric_value == metrics["auroc"]
    assert metrics["intervals"]["accuracy"] is None, "there are too few surgeons"
    assert results["accuracy"].metric_args is None
    assert results["accuracy"].dataset_name == "SOCAL"
    for part in ("## Limits", "only 4 test trials", "no surgeon is in two subsets", "CC BY-NC 4.0", "Kugener"):
        assert part in card.text


def test_the_folder_names_nothing_of_this_machine(finetuned: RunFolder, exported: Path) -> None:
    record = read_export(exported)
    assert record.settings["model"] == Path(small_model()).name
    assert record.preset == "socal"
    for path in exported.iterdir():
        if path.suffix != ".safetensors":
            text = path.read_text()
            assert str(finetuned.path.parent) not in text
            assert small_model() not in text
            assert str(finetuned.read_data()) not in text


@pytest.mark.slow
@pytest.mark.parametrize("family", ["timesformer", "vivit", "vjepa2", "videoprism"])
@pytest.mark.sampled(2)
def test_every_family_is_exported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path, family: str
) -> None:
    write_family(tmp_path / "model", family)
    run = trained(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"))
    export_run(run, tmp_path / "out")
    model = AutoModelForVideoClassification.from_pretrained(tmp_path / "out").eval()
    clips = torch.randn(2, 4, 3, 32, 32)
    with torch.no_grad():
        found = model(**{model.main_input_name: clips}).logits.reshape(2, 2)
        expected = load_classifier(best_checkpoint(run)).model(pixel_values=clips).logits
    assert torch.allclose(found, expected, atol=1e-5)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert f"model({model.main_input_name}=clip)" in readme
    assert ("pipeline(" in readme) is (family in {"timesformer", "vivit"})
    found_rows = predicted(capsys, tmp_path / "out", shared_data_folder)
    assert [row["prob_success"] for row in found_rows] == pytest.approx(probabilities(run), abs=1e-6)


@pytest.mark.slow
def test_a_head_is_exported_with_its_encoder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, frozen: RunFolder, shared_data_folder: Path
) -> None:
    export_run(frozen, tmp_path / "out")
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert {"head.safetensors", "head.json", "socal.json", "README.md", "encoder/model.safetensors"} <= names
    assert read_export(tmp_path / "out").video_encoder is EncoderWeights.INCLUDED
    metadata = yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---")[1])
    assert (metadata["license"], metadata["library_name"]) == ("mit", "socal-core")
    found = predicted(capsys, tmp_path / "out", shared_data_folder)
    assert [row["prob_success"] for row in found] == pytest.approx(probabilities(frozen), abs=1e-6)


@pytest.mark.slow
def test_an_encoder_of_unknown_licence_is_only_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, shared_data_folder: Path
) -> None:
    shutil.copytree(small_model(), tmp_path / "somebodys-model")
    settings = {"recipe": "frozen", "encoder": "video", "model": str(tmp_path / "somebodys-model")}
    run = trained(tmp_path / "run", shared_data_folder, **settings)
    expected = probabilities(run)
    out = tmp_path / "out"
    export_run(run, out)
    assert not (out / "encoder").exists()
    record = read_export(out)
    assert (record.video_encoder, record.weights and record.weights.source) == ("missing", "somebodys-model")
    code, _, err = run_cli(capsys, "predict", out, TRIALS[0], "--data", shared_data_folder)
    assert code == 2
    assert "put the files of the model somebodys-model into its folder encoder" in err
    shutil.copytree(tmp_path / "somebodys-model", out / "encoder")
    found = predicted(capsys, out, shared_data_folder)
    assert [row["prob_success"] for row in found] == pytest.approx(expected, abs=1e-6)
    shutil.rmtree(out / "encoder")
    write_family(out / "encoder", "vivit")
    assert run_cli(capsys, "predict", out, TRIALS[0], "--data", shared_data_folder)[0] == 2


@pytest.mark.slow
def test_what_cannot_be_exported_is_refused(tmp_path: Path, shared_data_folder: Path, finetuned: RunFolder) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(RunError, match="already exists and is not empty"):
        export_run(finetuned, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]
    cross_validation = write_cross_validation(tmp_path / "cv", shared_data_folder)
    with pytest.raises(RunError, match="Use one of its folds, such as cv/fold-1"):
        export_run(cross_validation, tmp_path / "out")
    stopped = write_run(tmp_path / "stopped", shared_data_folder, state=RunState.STOPPED)
    with pytest.raises(RunError, match="has no"):
        export_run(stopped, tmp_path / "out")
    with pytest.raises(RunError, match="is not an exported model"):
        read_export(tmp_path / "full")
    assert not (tmp_path / "out").exists()


def test_a_failed_export_leaves_nothing(tmp_path: Path, finetuned: RunFolder) -> None:
    run = RunFolder(shutil.copytree(finetuned.path, tmp_path / "run"))
    (run.path / "environment.json").write_text("{")
    with pytest.raises(RunError, match=r"environment\.json cannot be read"):
        export_run(run, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
def test_onnx_gives_the_same_probabilities(tmp_path: Path, finetuned: RunFolder) -> None:
    import onnxruntime

    export_run(finetuned, tmp_path / "out", onnx=True)
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    model = load_classifier(best_checkpoint(finetuned)).model.eval()
    for count in (1, 5):
        clips = torch.randn(count, 4, 3, 32, 32)
        with torch.no_grad():
            expected = model(pixel_values=clips).logits.softmax(-1)
        found = torch.from_numpy(session.run(None, {"pixel_values": clips.numpy()})[0]).softmax(-1)
        assert torch.allclose(found, expected, atol=1e-4)
    onnx_file.check_onnx(model, (4, 3, 32, 32), tmp_path / "out" / "model.onnx")
    with torch.no_grad():
        model.classifier.bias += torch.tensor([0.0, 0.01])
    with pytest.raises(ModelError, match="differ by"):
        onnx_file.check_onnx(model, (4, 3, 32, 32), tmp_path / "out" / "model.onnx")


@pytest.mark.slow
def test_onnx_is_refused_before_anything_is_written(
    tmp_path: Path, finetuned: RunFolder, frozen: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="there is no ONNX of it"):
        export_run(frozen, tmp_path / "out", onnx=True)
    monkeypatch.setattr(onnx_file, "PACKAGES", ("onnx", "a_package_that_is_not_here"))
    with pytest.raises(ModelError, match=r"needs the missing a_package_that_is_not_here\. Run `pip install onnx"):
        export_run(finetuned, tmp_path / "out", onnx=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_commands_write_folder_and_card(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, finetuned: RunFolder
) -> None:
    assert run_cli(capsys, "export", finetuned.path, tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert run_cli(capsys, "card", finetuned.path, tmp_path / "card.html")[0] == 0
    assert "Run card: tuned" in (tmp_path / "card.html").read_text()
    code, _, err = run_cli(capsys, "export", finetuned.path, tmp_path / "out")
    assert (code, "not empty" in err) == (2, True)
