"""Match the names in an annotation file with frames; the decision is made for the file as a whole.

A name is evidence if it is the exact name of a frame or contains the trial. A name without a trial, such as
`frame_000002`, may match frames by chance: it counts only if the trial is known or no other trial has such names, and
only if all names of the file match. Otherwise the file is not used, and a problem says why.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.rows import BoxRows, KnownFrames
from socal_core.annotations.trial_hints import TrialHint, find_hint
from socal_core.annotations.video_names import match_video_names
from socal_core.dataset.frame_lookup import NONE, SEVERAL, UNUSED, Found, addition_of
from socal_core.dataset.frame_names import read_names
from socal_core.dataset.problem_kinds import matching_kinds
from socal_core.dataset.problems import ProblemLog, printable


def frame_names(rows: BoxRows, path: str, known: KnownFrames, log: ProblemLog, hints: Sequence[str] = ()) -> pd.Series:
    """Return the frame of each name in the rows of one file, indexed by the name in the file.

    A name that matches no frame is unchanged. A name that must not be used is NA.

    Args:
        rows: The rows, with the names in the file.
        path: The file, for problems and evidence.
        known: The frames.
        log: Receives problems and evidence.
        hints: Texts that may name the trial of the file, besides its own name.
    """
    names = pd.Index(pd.unique(pd.concat([rows.boxes["frame"], rows.without_tool["frame"]])), dtype="str")
    matched = match_names(names, path, known, log, (*hints, path), len(rows.boxes))
    own = known.frames["frame"].take(np.maximum(matched, 0)).to_numpy()
    frames = np.where(matched >= 0, own, names.to_numpy())
    return pd.Series(frames, index=names, dtype="str").mask(matched == UNUSED)


def renamed(rows: BoxRows, names: pd.Series) -> BoxRows:
    """Return the rows with the names from `frame_names`, without those that must not be used."""
    return BoxRows(with_names(rows.boxes, names), with_names(rows.without_tool, names))


def with_names(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return a table with the names from `frame_names`, without names that are missing there or must not be used."""
    if names.index.equals(pd.Index(names)):
        return table
    frames = table["frame"].map(names).astype("str")
    kept: pd.DataFrame = table.assign(frame=frames)[frames.notna()]
    return kept


def match_names(
    names: pd.Index,
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    hints: Sequence[str] = (),
    count: int = 1,
    one_file: bool = True,
) -> NDArray[np.intp]:
    """Return the row in `known.frames` of each name; NONE if there is none, UNUSED if it must not be used.

    Args:
        names: The distinct names in the file.
        path: The file (or the folder of files), for problems and evidence.
        known: The frames.
        log: Receives problems and evidence.
        hints: Texts that may name the trial of the file.
        count: The number of boxes that would be lost with the file.
        one_file: Whether the names come from one file; otherwise, each is the name of a file.
    """
    matched = known.rows_of_names(names)
    inexact = np.flatnonzero(matched < 0)
    if len(inexact) < len(names):
        basis = f"{len(names) - len(inexact):,} of {len(names):,} names are exactly those of frames."
        log.add_evidence(path, "Each entry is of the frame that it names.", basis)
    if not len(inexact):
        return matched
    given = names.take(inexact).tolist()
    found = _find(given, len(inexact) < len(names), path, known, log, hints, count)
    rejected = np.full(len(names), UNUSED, np.intp)
    if found is None or _is_renumbered(names, inexact[[one.row == NONE for one in found]], path, known, log, count):
        return rejected
    matched[inexact] = [UNUSED if one.row == SEVERAL else one.row for one in found]
    odd = inexact[[bool(one.addition) or not one.names_trial for one in found]]
    if one_file and _has_two_names(names, matched, odd, path, known, log, count):
        return rejected
    _report_inexact(given, found, path, known, log)
    return matched


def _find(
    given: list[str],
    some_exact: bool,
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    hints: Sequence[str],
    count: int,
) -> list[Found] | None:
    """Find the frames of names that are not exact; return None, with a problem, without sufficient evidence.

    `some_exact` tells whether the file also has exact names.
    """
    found = [known.lookup.find(name) for name in given]
    hint = TrialHint()
    if not all(one.names_trial for one in found):
        named = find_hint(hints, path, known, log, count)
        if named is None:
            return None
        hint = named
        if hint.trial:
            found = [known.lookup.find(name, hint.trial) for name in given]
    others_fit = some_exact or any(one.row != NONE for one in found)
    in_videos = match_video_names(given, found, hint, others_fit, path, known, log, count)
    if in_videos is None or not _has_evidence(given, in_videos, hint, path, known, log, count):
        return None
    return in_videos


def _has_evidence(
    given: list[str], found: list[Found], hint: TrialHint, path: str, known: KnownFrames, log: ProblemLog, count: int
) -> bool:
    """Return whether the names without a trial are unambiguous and all match; if not, report a problem."""
    bare = [(name, one) for name, one in zip(given, found, strict=True) if not one.names_trial]
    fitting = [one.row for _, one in bare if one.row >= 0]
    several = next((name for name, one in bare if one.row == SEVERAL), None)
    missing = [name for name, one in bare if one.row == NONE]
    count = max(1, count)
    if several is not None:
        reason = f"and several frames of {hint.title} are called so" if hint.trial else "and several trials have such"
        kind = matching_kinds.NAMES_WITHOUT_TRIAL
        log.add(kind, path, count=count, name=printable(_own(several)), reason=reason)
        return False
    if not fitting:
        return True  # nothing matches by chance; each name is reported as not being a frame
    trials = set(known.frames["trial_id"].take(fitting))
    shared = trials & known.lookup.trials_with_shared_stems
    if not hint.trial and shared:
        name = next(name for name, one in bare if one.row >= 0)
        reason = f"and {printable(', '.join(sorted(shared)))} and another trial have frames of such names"
        log.add(matching_kinds.NAMES_WITHOUT_TRIAL, path, count=count, name=printable(_own(name)), reason=reason)
        return False
    where = f" of {hint.title}" if hint.trial else ""
    if missing:
        kind, name = matching_kinds.NAMES_LEFT_OVER, printable(_own(missing[0]))
        log.add(kind, path, count=count, names=len(bare), missing=len(missing), name=name, where=where)
        return False
    basis = f"The file names the trial ({hint.text})" if hint.trial else "No other trial has frames of such names"
    shown = printable(", ".join(sorted(trials)))
    log.add_evidence(
        path,
        f"Names without a trial, such as {printable(bare[0][0])}, are frames of {shown}.",
        f"{basis}, and all {len(bare):,} names fit.",
    )
    return True


def _is_renumbered(
    names: pd.Index, missing: NDArray[np.intp], path: str, known: KnownFrames, log: ProblemLog, count: int
) -> bool:
    """Return whether the names of a trial fit its frames only if they are counted from 1 more or less.

    Tools number the frames that they extract from 0 or from 1, so names that exist may be those of their neighbours.
    """
    lost = read_names(names.take(missing).tolist(), known.preset)
    trials = [trial for trial in lost["trial_id"].unique() if len(known.rows_of(trial))]
    if not trials:
        return False
    parsed = read_names(names.tolist(), known.preset)
    for trial in trials:
        own = set(parsed.loc[parsed["trial_id"] == trial, "index"])
        frames = known.frames["frame"].take(known.rows_of(trial)).tolist()
        here = set(read_names(frames, known.preset)["index"])
        if own & here and any({number + shift for number in own} <= here for shift in (1, -1)):
            shown, there = (f"{min(numbers):,} to {max(numbers):,}" for numbers in (own, here))
            kind = matching_kinds.RENUMBERED_FRAMES
            log.add(kind, path, count=max(1, count), trial_id=trial, numbers=shown, frames=there)
            return True
    return False


def _has_two_names(
    names: pd.Index,
    matched: NDArray[np.intp],
    odd: NDArray[np.intp],
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    count: int,
) -> bool:
    """Return whether a frame has two names in the file, one of them `odd`: without a trial, or changed by a tool."""
    used = np.flatnonzero(matched >= 0)
    order = used[np.argsort(matched[used], kind="stable")]
    is_odd = np.isin(order, odd)
    again = np.flatnonzero((np.diff(matched[order]) == 0) & (is_odd[1:] | is_odd[:-1]))
    if not len(again):
        return False
    first, second = order[again[0]], order[again[0] + 1]
    log.add(
        matching_kinds.SEVERAL_NAMES_OF_FRAME,
        path,
        count=max(1, count),
        frame=printable(known.frames["frame"].iloc[matched[first]]),
        name=printable(names[first]),
        other=printable(names[second]),
    )
    return True


def _report_inexact(given: list[str], found: list[Found], path: str, known: KnownFrames, log: ProblemLog) -> None:
    """Report evidence for names that spell a frame differently, and problems for names that a tool has changed."""
    loose = [(name, one) for name, one in zip(given, found, strict=True) if one.row >= 0 and one.names_trial]
    for addition in dict.fromkeys(one.addition for _, one in loose):
        own = [(name, one) for name, one in loose if one.addition == addition]
        name, frame = own[0][0], known.frames["frame"].iloc[own[0][1].row]
        how = f"without {addition}" if addition else "in folder and stem"
        log.add_evidence(
            path,
            f"Names such as {printable(name)} are those of frames {how}, such as {printable(frame)}.",
            f"Each of {len(own):,} names fits one frame.",
        )
    several = [name for name, one in zip(given, found, strict=True) if one.row == SEVERAL]
    if several:
        kind = matching_kinds.SEVERAL_FRAMES_OF_NAME
        log.add(kind, path, count=len(several), names=len(several), name=printable(several[0]))
    changed = [(name, addition_of(name)) for name, one in zip(given, found, strict=True) if one.row == NONE]
    for addition in dict.fromkeys(addition for _, addition in changed if addition):
        own_names = [name for name, other in changed if other == addition]
        name = printable(own_names[0])
        log.add(matching_kinds.NAMES_OF_TOOL, path, names=len(own_names), habit=addition, name=name)


def _own(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
