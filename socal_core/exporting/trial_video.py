"""Write the frames of a trial with their boxes, the prediction and the true outcome as a video or an animated GIF."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from socal_core.annotations.track_cache import tracked_boxes
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import Target, amount
from socal_core.errors import ConfigError, DataError, RunError
from socal_core.figures.frames import track_colours
from socal_core.figures.style import OUTCOMES
from socal_core.figures.trial_video import Bar, bar_height, video_picture
from socal_core.file_handles import os_reason
from socal_core.runs.files.predictions import probability_columns
from socal_core.runs.folder import RunFolder
from socal_core.storage import replacing

MP4, GIF = ".mp4", ".gif"
WIDTHS = {MP4: 960, GIF: 480}
"""The width of the pictures by default, in pixels; they are never wider than the first frame."""
_SUBSETS = {"train": "training trial", "validation": "validation trial", "test": "test trial"}


@dataclass(frozen=True)
class VideoOptions:
    """How the video is written."""

    frames_per_second: float = 5.0
    """Frames of the trial, which are a second apart, per second of the video."""
    width: int | None = None
    """Width in pixels; None for that of WIDTHS."""
    replace: bool = False
    """Whether an existing file is replaced."""


def write_trial_video(
    run: RunFolder,
    trial_id: str,
    out: Path,
    options: VideoOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the video of a trial of the data set of a run.

    Args:
        run: The run. If it has no prediction for the trial, the video says "No prediction".
        trial_id: The trial.
        out: The file, OUT.mp4 or OUT.gif. It appears when it is complete.
        options: How it is written.
        progress: Called with the number of written and of all pictures; may raise.

    Returns:
        The number of pictures.

    Raises:
        ConfigError: The file has another extension, or an option is out of range.
        DataError: The trial has no frame, or none of them can be read.
        RunError: The file exists, or cannot be written.
    """
    options, suffix = options or VideoOptions(), out.suffix.lower()
    _check(out, options)
    dataset = run.open_dataset()
    pictures = _Pictures(run, dataset, trial_id, options.width or WIDTHS[suffix])
    write = _write_mp4 if suffix == MP4 else _write_gif
    show = progress or (lambda done, total: None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as draft:
            # Pillow chooses the format by the extension.
            own = draft.with_suffix(suffix)
            try:
                write(own, pictures, options.frames_per_second, show)
                own.replace(draft)
            finally:
                own.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{out.name} cannot be written: {os_reason(error)}. Choose another file.") from None
    return len(pictures)


def _check(out: Path, options: VideoOptions) -> None:
    if out.suffix.lower() not in WIDTHS:
        raise ConfigError("OUT", "must end with .mp4 or .gif", out.name)
    if not 0.1 <= options.frames_per_second <= 60:
        raise ConfigError("--fps", "must be between 0.1 and 60", options.frames_per_second)
    if options.width is not None and not 64 <= options.width <= 4096:
        raise ConfigError("--width", "must be between 64 and 4096 pixels", options.width)
    if out.is_dir() or (out.exists() and not options.replace):
        raise RunError(f"{out.name} already exists. Choose another name, or replace it with --force.")


class _Pictures:
    """The pictures of the video, all of the same size."""

    def __init__(self, run: RunFolder, dataset: Dataset, trial_id: str, width: int) -> None:
        self._dataset = dataset
        self._frames = dataset.frames_of(trial_id)
        boxes = tracked_boxes(dataset)
        self._boxes = boxes[boxes["trial_id"] == trial_id]
        tracks = self._boxes[["label", "track_id"]].drop_duplicates().sort_values(["label", "track_id"])
        keys = list(tracks.itertuples(index=False, name=None))
        self._colours = dict(zip(keys, track_colours([label for label, _ in keys]), strict=True))
        self._about = about_trial(run, dataset, trial_id)
        across, down = self._first_size()
        scale = min(1.0, width / across)
        # Codecs need even numbers of pixels.
        self._size = (_even(across * scale), _even(down * scale))
        self._bar = _even(bar_height(self._size, self._texts(int(self._frames["second"].iloc[-1]))))

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of each picture."""
        return self._size[0], self._size[1] + self._bar

    def __iter__(self) -> Iterator[Image.Image]:
        groups = dict(iter(self._boxes.groupby("frame", sort=False)))
        nothing = self._boxes.iloc[:0]
        last = max(1, int(self._frames["second"].iloc[-1]))
        for frame, second in self._frames[["frame", "second"]].itertuples(index=False, name=None):
            boxes = groups.get(frame, nothing)
            keys = boxes[["label", "track_id"]].itertuples(index=False, name=None)
            colours = [self._colours[key] for key in keys]
            bar = Bar(self._texts(second), second / last)
            yield video_picture(self._read(frame), boxes, colours, bar, self._size, self._bar)

    def _texts(self, second: int) -> list[str]:
        last = int(self._frames["second"].iloc[-1])
        return [self._about[0], f"{_clock(second)} of {_clock(last)}", *self._about[1:]]

    def _read(self, frame: str) -> Image.Image | None:
        try:
            return Image.fromarray(np.ascontiguousarray(self._dataset.read_frame(frame)))
        except DataError:
            return None

    def _first_size(self) -> tuple[int, int]:
        for frame in self._frames["frame"]:
            picture = self._read(frame)
            if picture is not None:
                return picture.size
        raise DataError(f"No frame of trial {self._frames['trial_id'].iloc[0]} can be read.")


def about_trial(run: RunFolder, dataset: Dataset, trial_id: str) -> list[str]:
    """Return what the bar says of a trial: its id, the prediction, the true outcome and the subset."""
    target, predictions = run.read_target(), run.read_predictions()
    rows = pd.DataFrame() if predictions is None else predictions[predictions["trial_id"] == trial_id]
    if rows.empty:
        known = _value(target, dataset.trials["success"][trial_id]) if target.is_success else "unknown"
        return [trial_id, "No prediction", f"True: {known}", f"Run {run.name}"]
    row = rows.iloc[0]
    certainty = ""
    if target.is_success:
        certainty = f" (probability of success {float(row['prob_success']):.0%})"
    elif not target.is_number:
        certainty = f" (probability {row[probability_columns(target)].astype(float).max():.0%})"
    predicted, true = _value(target, row["predicted"]), _value(target, row["label"])
    subset = f"{_SUBSETS[row['split']]} of {run.name}"
    return [trial_id, f"Predicted: {predicted}{certainty}", f"True: {true}", subset[:1].upper() + subset[1:]]


def _value(target: Target, value: Any) -> str:
    if pd.isna(value):
        return "unknown"
    if target.is_success:
        return OUTCOMES[int(value)].lower()
    return amount(float(value), target.unit) if target.is_number else str(value)


def _write_mp4(path: Path, pictures: _Pictures, rate: float, progress: Callable[[int, int], None]) -> None:
    """Write H.264 with half the resolution of colour, which all browsers and players read."""
    # PyAV takes a while to load.
    import av
    from av.error import FFmpegError

    try:
        # faststart: a browser plays the video before it has all of it.
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", Fraction(rate).limit_denominator(1000), {"preset": "veryfast"})
            stream.width, stream.height = pictures.size
            stream.pix_fmt = "yuv420p"
            for done, picture in enumerate(pictures):
                progress(done, len(pictures))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
            container.mux(stream.encode())
    except FFmpegError as error:
        raise OSError(error.errno, error.strerror) from None


def _write_gif(path: Path, pictures: _Pictures, rate: float, progress: Callable[[int, int], None]) -> None:
    def reduced() -> Iterator[Image.Image]:
        for done, picture in enumerate(pictures):
            progress(done, len(pictures))
            yield picture.quantize(colors=128, dither=Image.Dither.NONE)

    images = reduced()
    next(images).save(path, save_all=True, append_images=images, duration=round(1000 / rate), loop=0)


def _clock(second: int) -> str:
    return f"{second // 60}:{second % 60:02d}"


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)
