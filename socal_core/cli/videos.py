"""The command that writes the video of a trial: `render`."""

import argparse

from socal_core.access.audit import record_here
from socal_core.access.permissions import Action
from socal_core.cli.arguments import print_line
from socal_core.cli.bars import StageBar
from socal_core.exporting.trial_video import VideoOptions, write_trial_video
from socal_core.runs.folder import RunFolder


def render(options: argparse.Namespace) -> int:
    """Write the frames of a trial with boxes, prediction and true outcome as a video or a GIF."""
    chosen = VideoOptions(options.fps, options.width, options.force)
    with StageBar() as bar:
        count = write_trial_video(
            RunFolder.open(options.run),
            options.trial_id,
            options.out,
            chosen,
            lambda done, total: bar.show("Drawing frames", done, total),
        )
    record_here(Action.EXPORT, f"{options.trial_id} to {options.out}")
    print_line(f"{count} frames of {options.trial_id} are in {options.out}.")
    return 0
