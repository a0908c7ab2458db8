"""Match names that number the frames of a video, such as `frame_000012.PNG` (CVAT) or `S102T1_11.txt` (Ultralytics)."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from socal_core.annotations.rows import KnownFrames
from socal_core.annotations.trial_hints import TrialHint
from socal_core.dataset.frame_lookup import NONE, UNUSED, Found, trial_of_word
from socal_core.dataset.problem_kinds import annotation_kinds, matching_kinds
from socal_core.dataset.problems import ProblemLog, printable

_COUNTED = re.compile(r"(?:(?!frame_)(?P<trial>[A-Za-z0-9]+)_(?!frame)|frame_?)?(?P<number>[0-9]{1,9})(?:\.[A-Za-z]+)?")
"""Does not match `S102T1_frame_00000012.jpeg`, the name of a second of a video in a data set."""


def match_video_names(
    given: Sequence[str],
    found: list[Found],
    hint: TrialHint,
    others_fit: bool,
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    count: int,
) -> list[Found] | None:
    """Find the frames of names that number the frames of their trial's video.

    Args:
        given: The names.
        found: The frames found so far; only names without a frame are examined.
        hint: The trial of the file.
        others_fit: Whether other names of the file match frames, so that names without a frame are acceptable.
        path: The file, for problems and evidence.
        known: The frames.
        log: Receives problems and evidence.
        count: The number of boxes that would be lost with the file.

    Returns:
        `found` with the frames of such names, UNUSED between the sampled seconds; None, with a problem, if the
        numbering is uncertain.
    """
    numbered = {
        n: parsed for n, one in enumerate(found) if one.row == NONE and (parsed := _parse(given[n], hint, known))
    }
    if not numbered:
        return found
    first = printable(given[next(iter(numbered))])
    result = list(found)
    for trial in dict.fromkeys(trial for trial, _ in numbered.values()):
        own = [n for n, (other, _) in numbered.items() if other == trial]
        numbers = np.array([numbered[n][1] for n in own], np.int64)
        reason = _doubt(trial, numbers, known)
        if not reason:
            rows = _rows_of(trial, numbers, known)
            for n, row in zip(own, rows.tolist(), strict=True):
                result[n] = found[n]._replace(row=row, names_trial=True)
            _report_match(path, first, trial, numbers, rows, log)
        elif known.has_video(trial) or not others_fit:
            log.add(matching_kinds.VIDEO_FRAME_NAMES, path, count=max(1, count), name=first, reason=reason)
            return None
    return result


def _parse(name: str, hint: TrialHint, known: KnownFrames) -> tuple[str, int] | None:
    """Return the trial ("" if unknown) and the number in a name; None if it is not such a name."""
    *folders, own = name.replace("\\", "/").split("/")
    match = _COUNTED.fullmatch(own)
    if match is None:
        return None
    number = int(match["number"])
    if match["trial"]:
        trial = trial_of_word(match["trial"], known.trial_ids, known.preset)[0]
        return (trial, number) if known.has_video(trial) else None
    named = (trial_of_word(part, known.trial_ids, known.preset)[0] for part in reversed(folders))
    in_folder = next(filter(None, named), "")
    if in_folder:
        return (in_folder, number) if known.has_video(in_folder) else None
    trial = hint.trial or (known.trial_ids[0] if len(known.trial_ids) == 1 else "")
    return (trial, number) if own.startswith("frame") or known.has_video(trial) else None


def _doubt(trial: str, numbers: NDArray[np.int64], known: KnownFrames) -> str:
    """Return why it is uncertain which frames of a video the numbers mean; "" if it is certain."""
    if not trial:
        return "they do not say of which trial"
    if not known.has_video(trial):
        return f"trial {trial} is here as images, or not at all"
    indices, last = known.recording_indices(trial), int(numbers.max())
    if last > known.recording_end(trial):
        return f"they go to {last:,}, and the video of {trial} ends before frame {known.recording_end(trial) + 1:,}"
    if numbers.min() > 0:
        return "they may count from 0 or from 1, as the number 0 does not occur"
    if indices[-1] >= len(indices) > last:
        return f"they may be frames of the video of {trial}, or its seconds, as none is greater than {last:,}"
    return ""


def _rows_of(trial: str, numbers: NDArray[np.int64], known: KnownFrames) -> NDArray[np.intp]:
    """Return the row of the frame of each number, UNUSED between the sampled seconds."""
    indices, rows = known.recording_indices(trial), known.rows_of(trial)
    nearest = np.searchsorted(indices, numbers).clip(max=len(indices) - 1)
    return np.where(indices[nearest] == numbers, rows[nearest], UNUSED)


def _report_match(
    path: str, name: str, trial: str, numbers: NDArray[np.int64], rows: NDArray[np.intp], log: ProblemLog
) -> None:
    interpretation = f"Names such as {name} count the frames of the video of {trial} from 0."
    basis = f"The numbers run from 0 to {numbers.max():,}, and the video has frames of all these numbers."
    log.add_evidence(path, interpretation, basis)
    between = int((rows == UNUSED).sum())
    if between:
        log.add(annotation_kinds.BOX_BETWEEN_FRAMES, path, count=between)
