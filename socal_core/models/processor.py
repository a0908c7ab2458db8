"""Read the preprocessing of a model from the files in which transformers may store it."""

from dataclasses import replace
from typing import Any

import transformers
from transformers.image_processing_backends import PilBackend
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.clips.preprocess import IMAGENET_MEAN, IMAGENET_STD, PREPROCESSOR_FILE, Preprocessor
from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles

NESTED_FILE = "processor_config.json"
VIDEO_FILE = "video_preprocessor_config.json"
VIDEOMAE = "VideoMAEImageProcessor"
SAME_STEPS = (VIDEOMAE, *(f"{name}ImageProcessor" for name in ("ViT", "DeiT", "CLIP", "Bit", "Blip", "Pvt", "Siglip")))
"""Classes that resize, crop, rescale and normalize as VideoMAE's does, and differ only in their defaults."""
VJEPA2 = "VJEPA2VideoProcessor"
VIVIT = ("VivitImageProcessor", "VivitVideoProcessor")
_CROPPED: dict[str, Any] = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}}
_IMAGENET = {"image_mean": list(IMAGENET_MEAN), "image_std": list(IMAGENET_STD)}
_HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
_VIVIT = {**_CROPPED, "size": {"shortest_edge": 256}, "rescale_factor": 1 / 127.5, **_HALF}
OWN_DEFAULTS: dict[str, dict[str, Any]] = {
    "TimesformerVideoProcessor": {**_CROPPED, **_IMAGENET, "size": {"shortest_edge": 224}},
    "DINOv3ViTImageProcessor": {**_IMAGENET, "size": {"height": 224, "width": 224}, "do_center_crop": False},
    VJEPA2: {**_CROPPED, **_IMAGENET, "crop_size": {"height": 256, "width": 256}},
    **{name: _VIVIT for name in VIVIT},
    # What VideoPrismProcessor of transformers passes to it.
    "LlavaOnevisionVideoProcessor": {
        "size": {"height": 288, "width": 288},
        "do_center_crop": False,
        "do_normalize": False,
    },
}
"""The defaults of classes that take the steps of VideoMAE's but need torchvision, so they are not built here."""
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
SWITCHES = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")
OTHERS = ("size", "resample", "crop_size", "rescale_factor", "image_mean", "image_std")


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
        build = _with_own_defaults if class_name in OWN_DEFAULTS else _as_videomae
        preprocessor = Preprocessor(build(class_name, values), file=file)
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
    if values.get("auto_map") or current not in {*SAME_STEPS, *OWN_DEFAULTS}:
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
    settings: dict[str, Any] = {name: getattr(processor, name) for name in OTHERS}
    settings = {name: value for name, value in settings.items() if value is not None}
    # None would mean VideoMAE's default, which is True.
    settings |= {name: bool(getattr(processor, name, False)) for name in SWITCHES}
    return VideoMAEImageProcessorPil(**settings)


def _with_own_defaults(class_name: str, values: dict[str, Any]) -> VideoMAEImageProcessorPil:
    """Build VideoMAE's image processor with the settings and defaults of a class that needs torchvision."""
    known = {name: values[name] for name in SETTINGS if values.get(name) is not None and name != "do_pad"}
    settings = {**OWN_DEFAULTS[class_name], **known}
    if class_name == VJEPA2:
        crop = settings["crop_size"]
        # The class ignores a size in its file.
        settings["size"] = {"shortest_edge": int((crop if isinstance(crop, int) else crop["height"]) * 256 / 224)}
    if class_name in VIVIT and settings.get("do_rescale", True) and values.get("offset", True):
        # It subtracts 1 after scaling to 0-2. Subtracting 1 more as the mean has the same result.
        normalizes = settings.get("do_normalize", True)
        settings["image_mean"] = [1 + mean for mean in settings["image_mean"]] if normalizes else [1.0] * 3
        settings["image_std"] = settings["image_std"] if normalizes else [1.0] * 3
        settings["do_normalize"] = True
    return VideoMAEImageProcessorPil(**settings)


def resized(preprocessor: Preprocessor, image_size: int) -> Preprocessor:
    """Change the size of the frames that a preprocessing gives; what it cuts off stays the same.

    Args:
        preprocessor: The preprocessing of a model.
        image_size: Height and width of a frame in pixels.

    Returns:
        The preprocessing; the same one if its frames have this size.
    """
    _, height, _ = preprocessor.frame_shape
    if height == image_size:
        return preprocessor
    processor = preprocessor.processor
    size = {name: round(edge * image_size / height) for name, edge in dict(processor.size).items() if edge}
    settings = {name: getattr(processor, name) for name in (*SWITCHES, *OTHERS)}
    settings |= {"size": size, "crop_size": {"height": image_size, "width": image_size}}
    return replace(preprocessor, processor=VideoMAEImageProcessorPil(**settings))
