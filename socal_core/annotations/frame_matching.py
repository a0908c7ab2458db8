"""Which frames the names in an annotation file are, decided for the file as a whole.

A name is evidence when it is a frame's own, or says the trial. One that says none, such as `frame_000002`, fits
frames by chance: it counts only where the trial is known or no other trial has such names, and only where all names
of the file fit. Otherwise nothing of the file is used, and a problem says why.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from socal_core.annotations.frame_lookup import NONE, SEVERAL, UNUSED, Found, habit_of
from socal_core.annotations.rows import BoxRows, KnownFrames
from socal_core.annotations.trial_hints import TrialHint, find_hint
from socal_core.annotations.video_names import match_video_names
from socal_core.dataset.problem_kinds import matching_kinds
from socal_core.dataset.problems import ProblemLog, printable


def frame_names(rows: BoxRows, path: str, known: KnownFrames, log: ProblemLog, hints: Sequence[str] = ()) -> pd.Series:
    """Return the frame of each name in the rows of one file, by the name that the file gives.

    A name that fits no frame stays as it is. One that must not be used is NA.

    Args:
        rows: With the names that the file gives.
        path: The file, for problems and evidence.
        known: The frames.
        log: Takes problems and evidence.
        hints: Texts that may name the trial of the file, beside its own name.
    """
    names = pd.Index(pd.unique(pd.concat([rows.boxes["frame"], rows.without_tool["frame"]])), dtype="str")
    places = match_names(names, path, known, log, (*hints, path), len(rows.boxes))
    own = known.frames["frame"].take(np.maximum(places, 0)).to_numpy()
    frames = np.where(places >= 0, own, names.to_numpy())
    return pd.Series(frames, index=names, dtype="str").mask(places == UNUSED)


def renamed(rows: BoxRows, names: pd.Series) -> BoxRows:
    """Return the rows with the names that `frame_names` gives, without those that must not be used."""
    return BoxRows(with_names(rows.boxes, names), with_names(rows.without_tool, names))


def with_names(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Return a table with the names that `frame_names` gives, without rows of other names or ones not to be used."""
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
    """Return the row in `known.frames` of each name, NONE where there is none, UNUSED where it must not be used.

    Args:
        names: The distinct names that the file gives.
        path: The file (or the folder of files), for problems and evidence.
        known: The frames.
        log: Takes problems and evidence.
        hints: Texts that may name the trial of the file.
        count: The number of boxes that are lost with the file.
        one_file: Whether the names stand in one file; else each is that of a file.
    """
    places = known.places(names)
    lost = np.flatnonzero(places < 0)
    if len(lost) < len(names):
        basis = f"{len(names) - len(lost):,} of {len(names):,} names are exactly those of frames."
        log.add_evidence(path, "Each entry is of the frame that it names.", basis)
    if not len(lost):
        return places
    given = names.take(lost).tolist()
    found = _find(given, len(lost) < len(names), path, known, log, hints, count)
    refused = np.full(len(names), UNUSED, np.intp)
    if found is None:
        return refused
    places[lost] = [UNUSED if one.place == SEVERAL else one.place for one in found]
    odd = lost[[bool(one.habit) or not one.says_trial for one in found]]
    if one_file and _has_two_names(names, places, odd, path, known, log, count):
        return refused
    _note_loose(given, found, path, known, log)
    return places


def _find(
    given: list[str],
    some_exact: bool,
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    hints: Sequence[str],
    count: int,
) -> list[Found] | None:
    """The frames of names that are not exactly those of frames; None, and a problem, where the evidence is lacking.

    `some_exact` tells whether other names of the file are.
    """
    found = [known.lookup.find(name) for name in given]
    hint = TrialHint()
    if not all(one.says_trial for one in found):
        said = find_hint(hints, path, known, log, count)
        if said is None:
            return None
        hint = said
        if hint.trial:
            found = [known.lookup.find(name, hint.trial) for name in given]
    others_fit = some_exact or any(one.place != NONE for one in found)
    in_videos = match_video_names(given, found, hint, others_fit, path, known, log, count)
    if in_videos is None or not _has_evidence(given, in_videos, hint, path, known, log, count):
        return None
    return in_videos


def _has_evidence(
    given: list[str], found: list[Found], hint: TrialHint, path: str, known: KnownFrames, log: ProblemLog, count: int
) -> bool:
    """Whether the names that say no trial can be told apart and all fit; else a problem."""
    bare = [(name, one) for name, one in zip(given, found, strict=True) if not one.says_trial]
    fitting = [one.place for _, one in bare if one.place >= 0]
    several = next((name for name, one in bare if one.place == SEVERAL), None)
    missing = [name for name, one in bare if one.place == NONE]
    count = max(1, count)
    if several is not None:
        reason = f"and several frames of {hint.title} are called so" if hint.trial else "and several trials have such"
        kind = matching_kinds.NAMES_WITHOUT_TRIAL
        log.add(kind, path, count=count, name=printable(_own(several)), reason=reason)
        return False
    if not fitting:
        return True  # nothing fits by chance; each name is reported as that of no frame
    trials = set(known.frames["trial_id"].take(fitting))
    shared = trials & known.lookup.trials_with_shared_stems
    if not hint.trial and shared:
        name = next(name for name, one in bare if one.place >= 0)
        reason = f"and {printable(', '.join(sorted(shared)))} and another trial have frames of such names"
        log.add(matching_kinds.NAMES_WITHOUT_TRIAL, path, count=count, name=printable(_own(name)), reason=reason)
        return False
    where = f" of {hint.title}" if hint.trial else ""
    if missing:
        kind, name = matching_kinds.NAMES_LEFT_OVER, printable(_own(missing[0]))
        log.add(kind, path, count=count, names=len(bare), missing=len(missing), name=name, where=where)
        return False
    basis = f"The file names the trial ({hint.said})" if hint.trial else "No other trial has frames of such names"
    shown = printable(", ".join(sorted(trials)))
    log.add_evidence(
        path,
        f"Names without a trial, such as {printable(bare[0][0])}, are frames of {shown}.",
        f"{basis}, and all {len(bare):,} names fit.",
    )
    return True


def _has_two_names(
    names: pd.Index,
    places: NDArray[np.intp],
    odd: NDArray[np.intp],
    path: str,
    known: KnownFrames,
    log: ProblemLog,
    count: int,
) -> bool:
    """Whether a frame has two names in the file, one of them `odd`: it says no trial or a tool changed it."""
    used = np.flatnonzero(places >= 0)
    order = used[np.argsort(places[used], kind="stable")]
    is_odd = np.isin(order, odd)
    again = np.flatnonzero((np.diff(places[order]) == 0) & (is_odd[1:] | is_odd[:-1]))
    if not len(again):
        return False
    first, second = order[again[0]], order[again[0] + 1]
    log.add(
        matching_kinds.SEVERAL_NAMES_OF_FRAME,
        path,
        count=max(1, count),
        frame=printable(known.frames["frame"].iloc[places[first]]),
        name=printable(names[first]),
        other=printable(names[second]),
    )
    return True


def _note_loose(given: list[str], found: list[Found], path: str, known: KnownFrames, log: ProblemLog) -> None:
    """Evidence for names that are another spelling of a frame's, and problems for those that a tool has changed."""
    loose = [(name, one) for name, one in zip(given, found, strict=True) if one.place >= 0 and one.says_trial]
    for habit in dict.fromkeys(one.habit for _, one in loose):
        own = [(name, one) for name, one in loose if one.habit == habit]
        name, frame = own[0][0], known.frames["frame"].iloc[own[0][1].place]
        said = f"without {habit}" if habit else "in folder and stem"
        log.add_evidence(
            path,
            f"Names such as {printable(name)} are those of frames {said}, such as {printable(frame)}.",
            f"Each of {len(own):,} names fits one frame.",
        )
    several = [name for name, one in zip(given, found, strict=True) if one.place == SEVERAL]
    if several:
        kind = matching_kinds.SEVERAL_FRAMES_OF_NAME
        log.add(kind, path, count=len(several), names=len(several), name=printable(several[0]))
    changed = [(name, habit_of(name)) for name, one in zip(given, found, strict=True) if one.place == NONE]
    for habit in dict.fromkeys(habit for _, habit in changed if habit):
        own_names = [name for name, other in changed if other == habit]
        name = printable(own_names[0])
        log.add(matching_kinds.NAMES_OF_TOOL, path, names=len(own_names), habit=habit, name=name)


def _own(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
