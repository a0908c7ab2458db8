"""Export the model of a run as a folder that works without the run."""

import shutil
from pathlib import Path

import torch
from transformers import AutoModelForVideoClassification

from socal_core import __version__
from socal_core.clips.preprocess import PREPROCESSOR_FILE
from socal_core.errors import ModelError, RunError, SocalError
from socal_core.evaluation.predictors import encoders_of
from socal_core.evaluation.trained_model import TrainedModel, trained_model
from socal_core.exporting.card import collect_facts
from socal_core.exporting.export_record import ENCODER_FOLDER, EXPORT, EncoderWeights, ExportRecord
from socal_core.exporting.exported import model_in
from socal_core.exporting.licences import may_be_shared
from socal_core.exporting.model_card import Use, model_card
from socal_core.exporting.onnx_file import ONNX_FILE, TOLERANCE, check_onnx_packages, write_onnx
from socal_core.file_handles import os_reason
from socal_core.models.build import VideoClassifier, load_classifier, quiet_transformers, save_classifier
from socal_core.models.find import find_model
from socal_core.models.head import ABOUT_FILE, HEAD_FILE, load_head
from socal_core.models.processor import NESTED_FILE, VIDEO_FILE
from socal_core.runs.architecture import CONFIG_FILE, OWN_TYPE
from socal_core.runs.cross_validation import check_is_single
from socal_core.runs.files.metrics_file import is_of_success
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import WEIGHTS_FILES, model_name
from socal_core.settings import VIDEO_ENCODER, Recipe, TrainConfig
from socal_core.storage import new_folder, write_text

CARD_FILE = "README.md"


def export_run(run: RunFolder, out: Path, onnx: bool = False) -> None:
    """Export the best checkpoint of a run, with all that predictions need.

    A fine-tuned model becomes a folder for transformers. A head on frozen features is exported with its video encoder,
    if the licence of that allows sharing copies; the image encoder comes with this project.

    Args:
        run: A run with results.
        out: The folder to write, which must not exist or be empty.
        onnx: Whether to add the model as ONNX.

    Raises:
        RunError: The run is a cross-validation, has no results or no checkpoint, or the folder cannot be written.
        ModelError: The model is damaged, would give other probabilities, or cannot be converted to ONNX.
    """
    check_is_single(run)
    metrics, model = run.read_metrics(), trained_model(run)
    if metrics is None:
        raise RunError(f"Run {run.name} has no results yet. Run `evaluate` on it first.")
    frozen = model.config.model.recipe is Recipe.FROZEN
    if onnx and frozen:
        raise ModelError(
            f"Run {run.name} has frozen features, and its head takes statistics of them, which are not part of a "
            "network: there is no ONNX of it. Export it without --onnx."
        )
    if onnx:
        check_onnx_packages()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out.name} already exists and is not empty. Choose another folder.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            use = _write_head(model, run, draft) if frozen else _write_classifier(model, draft, onnx)
            record = _record(run, model, metrics["threshold"] if is_of_success(metrics) else None, draft, frozen)
            EXPORT.write(draft, record)
            if record.video_encoder is EncoderWeights.INCLUDED:
                encoders_of(model_in(draft, record), load_head(draft))  # raises if the copy gives other features
            write_text(draft / CARD_FILE, model_card(collect_facts(run), use))
    except OSError as error:
        raise RunError(f"{out.name} cannot be written: {os_reason(error)}. Choose another folder.") from None


def _record(run: RunFolder, model: TrainedModel, threshold: float | None, draft: Path, frozen: bool) -> ExportRecord:
    try:
        preset = run.open_dataset().preset.name
    except SocalError:
        preset = None
    weights = run.read_environment().weights
    encoder = None
    if frozen and VIDEO_ENCODER in load_head(model.folder).encoders:
        encoder = EncoderWeights.INCLUDED if (draft / ENCODER_FOLDER).is_dir() else EncoderWeights.MISSING
    return ExportRecord(
        socal_core=__version__,
        run=run.name,
        settings=_settings(model.config),
        epoch=model.epoch,
        threshold=threshold,
        target=run.read_target(),
        preset=preset,
        weights=weights,
        video_encoder=encoder,
    )


def _settings(config: TrainConfig) -> dict[str, object]:
    """Return the settings without paths of this machine, and without the permission to download."""
    return {**config.as_dict(), "model": model_name(config.model.model), "allow_download": False}


def _write_classifier(model: TrainedModel, draft: Path, onnx: bool) -> Use:
    classifier = load_classifier(model.folder)
    save_classifier(classifier, draft)
    shape = (model.config.clip.num_frames, *classifier.preprocessor.frame_shape)
    if onnx:
        write_onnx(classifier.model, shape, draft / ONNX_FILE)
    if classifier.model.config.model_type == OWN_TYPE:
        return Use.PROJECT
    return Use(_compare_with_transformers(classifier, shape, draft))


def _compare_with_transformers(classifier: VideoClassifier, shape: tuple[int, ...], folder: Path) -> str:
    """Compare the probabilities that transformers computes from the folder with those of the model.

    Returns:
        The name of the input of the model in transformers.

    Raises:
        ModelError: They differ.
    """
    with quiet_transformers():
        loaded = AutoModelForVideoClassification.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False
        ).eval()
    clips = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = classifier.model.eval()(pixel_values=clips).logits.softmax(-1)
        found = loaded(**{loaded.main_input_name: clips}).logits.reshape(expected.shape).softmax(-1)
    difference = float((found - expected).abs().max())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"The exported model gives other probabilities in transformers, by {difference:.2g}. Update transformers."
        )
    return str(loaded.main_input_name)


def _write_head(model: TrainedModel, run: RunFolder, draft: Path) -> Use:
    for name in (HEAD_FILE, ABOUT_FILE):
        shutil.copyfile(model.folder / name, draft / name)
    weights = run.read_environment().weights
    if VIDEO_ENCODER in load_head(draft).encoders and weights is not None and may_be_shared(weights):
        _copy_model(model.config.model.model, draft / ENCODER_FOLDER)
    return Use.PROJECT


def _copy_model(name: str, folder: Path) -> None:
    """Copy the files that a model is read from, and its own card.

    Raises:
        ModelError: The model is not on this machine.
    """
    files = find_model(name, allow_download=False)
    indexes = [file for file in WEIGHTS_FILES if file.endswith(".json")]
    others = (CONFIG_FILE, NESTED_FILE, VIDEO_FILE, PREPROCESSOR_FILE, CARD_FILE, "LICENSE", *indexes)
    folder.mkdir()
    for path in (*files.weight_files(), *(files.folder / other for other in others if files.has(other))):
        shutil.copyfile(path, folder / path.name)
