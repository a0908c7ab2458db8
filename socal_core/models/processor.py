"""Read the preprocessing of a model from the files in which transformers may store it."""

from typing import Any

import transformers
from transformers.image_processing_backends import PilBackend
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.preprocess import PREPROCESSOR_FILE, Preprocessor
from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles

NESTED_FILE = "processor_config.json"
VIDEO_FILE = "video_preprocessor_config.json"
VIDEOMAE = "VideoMAEImageProcessor"
SAME_STEPS = (VIDEOMAE, *(f"{name}ImageProcessor" for name in ("ViT", "DeiT", "CLIP", "Bit", "Blip", "Pvt", "Siglip")))
"""Classes that resize, crop, rescale and normalize as VideoMAE's does, and differ only in their defaults."""
SETTINGS = (
    "do_resize",
    "size",
    "default_to_square",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_pad",
)


def read_preprocessor(files: ModelFiles, image_size: int) -> Preprocessor | None:
    """Read the preprocessing of a model.

    Args:
        files: The model's folder.
        image_size: Height and width of the model's input in pixels.

    Returns:
        The preprocessing that transformers would use; None if no file of the folder describes one.

    Raises:
        ModelError: A file is damaged, its image processor is not supported, or its frames do not fit the model.
    """
    found = _find_settings(files)
    if found is None:
        return None
    file, values = found
    if not isinstance(values, dict):
        raise ModelError(f"{files.name}: its {file} holds values that do not work.")
    class_name = _class_name(files, file, values)
    try:
        preprocessor = Preprocessor(_as_videomae(class_name, values), file=file)
        preprocessor.check()
        _, height, width = preprocessor.frame_shape
    except ModelError as error:
        raise ModelError(f"{files.name}: {error}") from None
    except (ValueError, TypeError, AttributeError):
        raise ModelError(f"{files.name}: its {file} holds values that do not work.") from None
    if (height, width) != (image_size, image_size):
        raise ModelError(
            f"{files.name}: its {file} gives frames of {width}x{height} pixels, but the model takes "
            f"{image_size}x{image_size}. Set crop_size (or size) to the size that the model takes."
        )
    return preprocessor


def _find_settings(files: ModelFiles) -> tuple[str, Any] | None:
    """Find the file and its settings in the order of AutoVideoProcessor, then AutoImageProcessor, of transformers."""
    nested = files.read_json(NESTED_FILE) if files.has(NESTED_FILE) else {}
    if nested.get("video_processor") is not None:
        return NESTED_FILE, nested["video_processor"]
    if files.has(VIDEO_FILE):
        return VIDEO_FILE, files.read_json(VIDEO_FILE)
    if nested.get("image_processor") is not None:
        return NESTED_FILE, nested["image_processor"]
    return (PREPROCESSOR_FILE, files.read_json(PREPROCESSOR_FILE)) if files.has(PREPROCESSOR_FILE) else None


def _class_name(files: ModelFiles, file: str, values: dict[str, Any]) -> str:
    """Return the current name of the image processor's class; raise ModelError if it is not supported."""
    keys = ("video_processor_type", "image_processor_type", "feature_extractor_type")
    named = next((values[key] for key in keys if values.get(key)), VIDEOMAE)
    current = str(named).removesuffix("Fast").replace("FeatureExtractor", "ImageProcessor")
    if current == "VideoMAEVideoProcessor":
        current = VIDEOMAE
    if values.get("auto_map") or current not in SAME_STEPS:
        raise ModelError(
            f"{files.name}: its {file} names the image processor {named}, which is not supported. Choose a model "
            f"with a {VIDEOMAE}, or replace the file with one that names it."
        )
    return current


def _as_videomae(class_name: str, values: dict[str, Any]) -> VideoMAEImageProcessorPil:
    """Build VideoMAE's image processor with the settings and defaults of another class."""
    known = {name: values[name] for name in SETTINGS if values.get(name) is not None}
    size = known.get("size")
    if class_name == VIDEOMAE and isinstance(size, (int, list)):
        # VideoMAEFeatureExtractor wrote a single size and cropped to it.
        known.setdefault("crop_size", size)
    processor: PilBackend = getattr(transformers, f"{class_name}Pil")(**known)
    if getattr(processor, "do_pad", False):
        raise ValueError("padding")
    switches = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
    others = ("size", "resample", "crop_size", "rescale_factor", "image_mean", "image_std")
    settings: dict[str, Any] = {name: getattr(processor, name) for name in others}
    settings = {name: value for name, value in settings.items() if value is not None}
    # None would mean VideoMAE's default, which is True.
    settings |= {name: bool(getattr(processor, name, False)) for name in switches}
    return VideoMAEImageProcessorPil(**settings)
