"""The model's own preprocessing, in two halves: resize and crop once, normalise at every use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""RGB mean and standard deviation of ImageNet on a 0-1 scale; what the published VideoMAE weights were trained with."""


@dataclass(frozen=True)
class Preprocessor:
    """A Hugging Face image processor, split so that clips can be kept as bytes between the two halves."""

    processor: VideoMAEImageProcessorPil

    @classmethod
    def for_size(cls, size: int) -> "Preprocessor":
        """Shortest edge to `size` pixels (bilinear, antialiased), centre crop, ImageNet mean and std."""
        return cls(
            VideoMAEImageProcessorPil(
                size={"shortest_edge": size},
                crop_size={"height": size, "width": size},
                image_mean=list(IMAGENET_MEAN),
                image_std=list(IMAGENET_STD),
            )
        )

    def shrink(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Resize and crop RGB frames (height, width, 3), by the processor's own code; (frames, 3, size, size)."""
        output = self.processor(list(frames), do_rescale=False, do_normalize=False, return_tensors="np")
        shrunk: NDArray[np.uint8] = output["pixel_values"][0]
        return shrunk

    def normalise(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips on a 0-1 scale, (…, 3, size, size), to what the model is given; same shape, same device."""
        if not self.processor.do_normalize:
            return clips
        mean = torch.tensor(self.processor.image_mean, device=clips.device)[:, None, None]
        std = torch.tensor(self.processor.image_std, device=clips.device)[:, None, None]
        return (clips - mean) / std
