"""The check that boxes were drawn on frames of the size that the data folder has."""

import pandas as pd

from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.problem_kinds import annotation_kinds
from socal_core.dataset.problems import ProblemLog


def report_sizes(sizes: pd.DataFrame, path: str, known: KnownFrames, log: ProblemLog, annotated: str = "") -> None:
    """Note the frames whose size in the file is not that of their trial.

    `sizes`: frame, width, height (float, NaN or 0 where the file does not say) and, where there are several, file;
    indexed by line. `path` is the file, or the folder of them; `annotated` names what the boxes belong to, where
    that is more than the frame.
    """
    places = known.places(sizes["frame"])
    said = sizes[(places >= 0) & (sizes["width"] > 0) & (sizes["height"] > 0)]
    true = known.sizes(known.places(said["frame"]))
    said = said.assign(trial_width=true[:, 0], trial_height=true[:, 1])
    differ = (said["width"] != said["trial_width"]) | (said["height"] != said["trial_height"])
    wrong = said[differ & said["trial_width"].notna() & said["trial_height"].notna()]
    wrong = wrong.assign(annotated=annotated or wrong["frame"])
    log.add_rows(annotation_kinds.OTHER_FRAME_SIZE, path, wrong)
