"""Apply the model's own preprocessing in two steps: resize and crop once, normalise at every use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Resampling
from transformers.image_transforms import center_crop, get_resize_output_image_size, get_size_with_aspect_ratio
from transformers.image_utils import ChannelDimension, SizeDict, get_image_size_for_max_height_width
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import MAX_PIXELS
from socal_core.errors import DataError, ModelError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""RGB mean and standard deviation of ImageNet on a 0-1 scale, as in the training of the published VideoMAE weights."""

RECIPE_VERSION = 2
"""Increased when the same recipe gives different bytes. Stored frames are then decoded again."""
PREPROCESSOR_FILE = "preprocessor_config.json"
"""Name of the file in which transformers saves an image processor."""
MAX_EDGE = 4096
"""The longest edge of a frame, in pixels, that a model may require."""


@dataclass(frozen=True)
class Preprocessor:
    """A Hugging Face image processor in two steps, so that frames can be stored as bytes between them."""

    processor: VideoMAEImageProcessorPil
    scaled: bool = False
    """Whether a JPEG much larger than the model's input is decoded at 1/2, 1/4 or 1/8 of its size, which is faster."""
    file: str = PREPROCESSOR_FILE
    """The file that the processor's settings come from, for error messages."""
    crop: tuple[int, int] = (0, 1)
    """Number of the crop, from 0, and the number of crops that are evenly spaced along the longer edge."""

    @classmethod
    def for_size(
        cls,
        size: int,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        shorter_edge: int | None = None,
    ) -> "Preprocessor":
        """Resize the shorter edge (bilinear, antialiased), crop the centre, and normalise.

        Args:
            size: Height and width of the result in pixels.
            mean: Means of red, green and blue on a 0-1 scale.
            std: Their standard deviations.
            shorter_edge: The shorter edge after resizing; None for `size`.
        """
        return cls(
            VideoMAEImageProcessorPil(
                size={"shortest_edge": shorter_edge or size},
                crop_size={"height": size, "width": size},
                image_mean=list(mean),
                image_std=list(std),
            )
        )

    @classmethod
    def whole_frame(
        cls, size: int, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD
    ) -> "Preprocessor":
        """Resize the whole frame to a square (bilinear, antialiased), whatever its shape.

        A centre crop would hide 44 % of a 16:9 frame, where tools come in.

        Args:
            size: Height and width in pixels.
            mean: Means of red, green and blue on a 0-1 scale.
            std: Their standard deviations.
        """
        return cls(
            VideoMAEImageProcessorPil(
                size={"height": size, "width": size},
                do_center_crop=False,
                image_mean=list(mean),
                image_std=list(std),
            )
        )

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Shape of the result of `shrink`, (3, height, width).

        Raises:
            ModelError: The shape depends on the frame.
        """
        processor = self.processor
        if processor.do_center_crop:
            return 3, *_height_and_width(self._crop_size)
        size = self._size
        by_picture = size.shortest_edge or (size.max_height and size.max_width)
        if processor.do_resize and not by_picture and size.height and size.width:
            return 3, *_height_and_width(size)
        raise ModelError(
            f"its {self.file} gives frames whose size depends on the picture. Set do_center_crop and "
            "crop_size, or do_resize and a size of height and width."
        )

    @property
    def recipe(self) -> dict[str, Any]:
        """Everything that determines the bytes that `read` returns, JSON-ready. Normalisation is not part of it."""
        processor = self.processor
        crops = {} if self.crop[1] == 1 else {"crop_at": list(self.crop)}
        return {
            **crops,
            "version": RECIPE_VERSION,
            "resize": dict(self._size) if processor.do_resize else None,
            "resample": int(self._resample) if processor.do_resize else None,
            "crop": dict(self._crop_size) if processor.do_center_crop else None,
            "scaled": self._short_edge is not None,
        }

    @property
    def normalisation(self) -> dict[str, list[float]]:
        """The scale and shift that `normalise` applies to each colour (value * scale + shift), JSON-ready."""
        scale, shift = self._scale_and_shift(torch.device("cpu"))
        return {"scale": scale.flatten().tolist(), "shift": shift.flatten().tolist()}

    def crops(self, count: int) -> list["Preprocessor"]:
        """Return the preprocessing for each of several crops along the longer edge of a frame, the middle one first.

        Args:
            count: The number of crops. An even number has none in the middle.

        Returns:
            Only this preprocessing if it crops nothing.
        """
        if count == 1 or not self.processor.do_center_crop:
            return [self]
        middle = (count - 1) / 2
        numbers = sorted(range(count), key=lambda number: abs(number - middle))
        return [self if number == middle else replace(self, crop=(number, count)) for number in numbers]

    def check(self) -> None:
        """Try the processor on a small image.

        Raises:
            ModelError: Its settings do not work.
        """
        processor = self.processor
        edges = [*dict(self._size).values(), *dict(self._crop_size).values()]
        # Check this first: the processor would create an image with a million pixels per edge.
        if not all(isinstance(edge, int) and 0 < edge <= MAX_EDGE for edge in edges):
            raise ModelError(f"its {self.file} holds a size that is not a whole number from 1 to {MAX_EDGE}.")
        picture = np.zeros((24, 32, 3), dtype=np.uint8)
        try:
            with np.errstate(all="ignore"):
                output = processor([picture], input_data_format="channels_last", return_tensors="np")
            usable = bool(np.isfinite(output["pixel_values"]).all())
        except (ValueError, TypeError, AttributeError):
            usable = False
        if not usable:
            raise ModelError(f"its {self.file} holds values that do not work.")

    def read(self, dataset: Dataset, frame: str) -> NDArray[np.uint8]:
        """Decode, resize and crop one frame of a data set.

        Returns:
            RGB, (3, height, width).

        Raises:
            DataError: The frame cannot be read or resized. The message names it.
        """
        return next(self.read_all(dataset, [frame]))

    def read_all(self, dataset: Dataset, frames: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Yield frames of one trial in order, as `read` returns them.

        Raises:
            DataError: A frame cannot be read or resized. The message names it.
        """
        for frame, picture in zip(frames, dataset.read_frames(frames, self._short_edge), strict=True):
            try:
                yield self.shrink(picture)
            except DataError as error:
                raise DataError(f"Frame {frame} cannot be used: {error}") from None

    def shrink(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize and crop a frame as the processor does. Values differ from the processor's by at most one grey level.

        Args:
            frame: RGB, (height, width, 3).

        Returns:
            RGB, (3, height, width), contiguous.

        Raises:
            DataError: The frame is so long and narrow that the result would be too large.
        """
        shrunk = self._resize(frame) if self.processor.do_resize else np.moveaxis(frame, -1, 0)
        if self.processor.do_center_crop:
            size = _height_and_width(self._crop_size)
            shrunk = center_crop(self._part(shrunk, size), size, input_data_format=ChannelDimension.FIRST)
        return np.ascontiguousarray(shrunk)

    def normalise(self, clips: torch.Tensor) -> torch.Tensor:
        """Convert clips on a 0-1 scale, (…, 3, height, width), to model input of the same shape on the same device."""
        scale, shift = self._scale_and_shift(clips.device)
        return torch.addcmul(shift, clips, scale)

    def model_input(self, pixels: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Convert clips as bytes to model input.

        Args:
            pixels: uint8, (…, 3, height, width).
            out: Receives the result; float32, same shape and device. Reuse it: allocating takes longer than computing.

        Returns:
            `out`.
        """
        scale, shift = self._scale_and_shift(pixels.device)
        return out.copy_(pixels).mul_(scale / 255).add_(shift)

    def _scale_and_shift(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what converts a 0-1 scale to (pixel * factor - mean) / std, each of shape (3 or 1, 1, 1)."""
        processor = self.processor
        mean = torch.tensor(processor.image_mean if processor.do_normalize else 0.0, dtype=torch.float64)
        std = torch.tensor(processor.image_std if processor.do_normalize else 1.0, dtype=torch.float64)
        scale = 255 * (processor.rescale_factor if processor.do_rescale else 1) / std
        return scale.float().reshape(-1, 1, 1).to(device), (-mean / std).float().reshape(-1, 1, 1).to(device)

    def _part(self, picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """Cut the part of a picture along its longer edge that this crop shows; the other edge stays as it is."""
        number, count = self.crop
        spare = [edge - cropped for edge, cropped in zip(picture.shape[1:], size, strict=True)]
        axis = int(np.argmax(spare))
        if count == 1 or spare[axis] <= 0:
            return picture
        start = round(spare[axis] * number / (count - 1))
        part: NDArray[np.uint8] = np.take(picture, range(start, start + size[axis]), axis=axis + 1)
        return part

    def _resize(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize a frame (height, width, 3) to (3, new height, new width)."""
        height, width = self._resized(frame)
        if not 0 < height * width <= MAX_PIXELS:
            raise DataError(f"its {frame.shape[1]}x{frame.shape[0]} pixels would be resized to {width}x{height}.")
        if self._resample is not Resampling.BILINEAR:
            # The bicubic filter of torch differs by up to 27 grey levels from Pillow's, and torch has no other filters.
            resized: NDArray[np.uint8] = self.processor.resize(np.moveaxis(frame, -1, 0), self._size, self._resample)
            return resized
        picture = torch.from_numpy(np.require(frame, requirements=["C", "W"])).permute(2, 0, 1)[None]
        shrunk = torch.nn.functional.interpolate(picture, size=(height, width), mode="bilinear", antialias=True)
        return shrunk[0].numpy()

    def _resized(self, frame: NDArray[np.uint8]) -> tuple[int, int]:
        """Return height and width after resizing, by the rules of the processor's own `resize`."""
        size = self._size
        if size.shortest_edge and size.longest_edge:
            height, width = get_size_with_aspect_ratio(frame.shape[:2], size.shortest_edge, size.longest_edge)
        elif size.shortest_edge:
            height, width = get_resize_output_image_size(
                frame, size.shortest_edge, default_to_square=False, input_data_format=ChannelDimension.LAST
            )
        elif size.max_height and size.max_width:
            height, width = get_image_size_for_max_height_width(frame.shape[:2], size.max_height, size.max_width)
        else:
            height, width = _height_and_width(size)
        return height, width

    # The processor converts the sizes in its file to SizeDict, although its annotations say otherwise.
    @property
    def _size(self) -> SizeDict:
        return cast(SizeDict, self.processor.size)

    @property
    def _crop_size(self) -> SizeDict:
        return cast(SizeDict, self.processor.crop_size)

    @property
    def _resample(self) -> Resampling:
        """The filter for resizing. Like the processor, use bilinear unless it is given as one of Pillow's numbers."""
        resample = self.processor.resample
        return Resampling(resample) if isinstance(resample, int) else Resampling.BILINEAR

    @property
    def _short_edge(self) -> int | None:
        """For scaled decoding, the largest length of the shorter edge after resizing, in pixels; otherwise None."""
        if not (self.scaled and self.processor.do_resize):
            return None
        size = self._size
        edges = (size.shortest_edge,) if size.shortest_edge else dict(size).values()
        return max(edges)


def _height_and_width(size: SizeDict) -> tuple[int, int]:
    """Return the height and width of a size; raise ModelError if it does not have both."""
    if size.height is None or size.width is None:
        raise ModelError("its image processor holds a size without a height and a width.")
    return size.height, size.width
