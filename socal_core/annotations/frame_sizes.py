"""The check that boxes were drawn on frames of the size that the data folder has."""

import pandas as pd

from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.dataset import Severity
from socal_core.dataset.problems import ProblemLog


def report_sizes(sizes: pd.DataFrame, path: str, known: KnownFrames, log: ProblemLog, whose: str = "{frame}") -> None:
    """Note the frames whose size in the file is not that of their trial.

    `sizes`: frame, width, height (float, NaN or 0 where the file does not say) and, where there are several, file;
    indexed by line. `path` is the file, or the folder of them; `whose` names what was drawn on, where that is more
    than the frame.
    """
    places = known.places(sizes["frame"])
    said = sizes[(places >= 0) & (sizes["width"] > 0) & (sizes["height"] > 0)]
    true = known.sizes(known.places(said["frame"]))
    said = said.assign(true_width=true[:, 0], true_height=true[:, 1])
    differ = (said["width"] != said["true_width"]) | (said["height"] != said["true_height"])
    wrong = said[differ & said["true_width"].notna() & said["true_height"].notna()]
    for name in ("width", "height", "true_width", "true_height"):
        wrong = wrong.assign(**{name: [f"{value:g}" for value in wrong[name]]})
    text = (
        f"The boxes of {whose} "
        "were drawn on a picture of {width}x{height} pixels and its trial has "
        "{true_width}x{true_height}; they are used as they stand and may lie in the wrong place."
    )
    log.add_rows("other-frame-size", Severity.WARNING, path, wrong, text)
