"""Compare the boxes that a folder holds in several formats, frame by frame."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from socal_core.annotations import find_formats, format_of
from socal_core.annotations.class_proposals import NameProposal, propose_names
from socal_core.annotations.pairing import KINDS, MOST_BOXES, crowded_frames, pair_boxes
from socal_core.annotations.repeated_exports import without_repeated
from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Problem
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import checked_folder, read_folder
from socal_core.dataset.problems import ProblemLog

OTHER_CORNERS = tuple(f"other_{name}" for name in CORNERS)
_WHY_ROUNDED = {"yolo": " (YOLO stores fractions of the frame)"}
_FEWEST_MOVED = 10
"""The number of boxes with the same offset from which it counts as systematic."""
_DIRECTIONS = ({-1: "left", 0: "", 1: "right"}, {-1: "up", 0: "", 1: "down"})
_NOT_ROUNDING = ("shifted", "renamed", "missing", "extra")
"""The kinds of difference that rounding does not explain."""
_DONE = {
    "shifted": ("is shifted by up to {most} px", "are shifted by up to {most} px"),
    "renamed": ("has another label", "have another label"),
    "missing": ("is missing", "are missing"),
    "extra": ("stands there in addition", "stand there in addition"),
}


@dataclass(frozen=True, eq=False)
class Agreement:
    """A comparison of the formats of a folder with the first one.

    summary: one row per format and label: format (key), label (str, the first format's; of extra boxes their own),
        exact, rounding, shifted, renamed, missing, extra (int, boxes), largest_shift (int, pixels).
    details: one row per box that is not exact: format, frame, trial_id, label, other_label (str, "" where the box is
        missing or extra), kind, x1, y1, x2, y2 (Int64, in the first format; NA when extra), other_x1, other_y1,
        other_x2, other_y2 (Int64, in this format; NA when missing), difference (Int64, largest distance in pixels
        between the same corners).
    """

    formats: tuple[str, ...]
    """The keys of the formats; the others are compared with the first."""
    frames: int
    boxes: dict[str, int]
    """The number of valid boxes of each format."""
    summary: pd.DataFrame
    details: pd.DataFrame
    problems: dict[str, tuple[Problem, ...]]
    """The problems found while reading each format; empty if there is nothing to compare."""
    crowded: dict[str, int]
    """The number of frames of each format with too many differing boxes to pair them one by one."""
    proposals: tuple[NameProposal, ...] = ()
    """Names for classes that have none."""

    def agrees(self, key: str = "") -> bool:
        """Return whether a format ("" for all) has the boxes of the first, within a pixel at each corner."""
        rows = self.summary[self.summary["format"] == key] if key else self.summary
        return not rows[list(_NOT_ROUNDING)].to_numpy().any()

    def sentences(self) -> list[str]:
        """Describe the result in sentences, the most important first."""
        if not self.formats:
            return ["The folder holds no boxes: there is nothing to compare."]
        titles = [format_of(key).title for key in self.formats]
        counts = ", ".join(f"{title} {self.boxes[key]:,}" for title, key in zip(titles, self.formats, strict=True))
        if len(titles) == 1:
            return [f"The folder holds boxes in one format alone ({counts}): there is nothing to compare."]
        exact = self.agrees() and not self.summary["rounding"].any()
        agreed = "agree exactly" if exact else "agree within one pixel" if self.agrees() else "do not agree"
        words = [f"The {len(titles)} formats {agreed} on the boxes of {self.frames:,} frames (boxes: {counts})."]
        for key in self.formats[1:]:
            words += self._sentences_of(key)
        return words + [_proposed(proposal) for proposal in self.proposals]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as values that JSON can hold."""
        return {
            "formats": list(self.formats),
            "agrees": self.agrees(),
            "frames": self.frames,
            "boxes": dict(self.boxes),
            "sentences": self.sentences(),
            "summary": _records(self.summary),
            "details": _records(self.details),
            "class_names": [asdict(proposal) for proposal in self.proposals],
            "problems": {key: [problem.as_dict() for problem in found] for key, found in self.problems.items()},
        }

    def _sentences_of(self, key: str) -> list[str]:
        title, first = format_of(key).title, format_of(self.formats[0]).title
        rows = self.summary[self.summary["format"] == key]
        total = self.boxes[self.formats[0]]
        rounded, other = int(rows["rounding"].sum()), rows[list(_NOT_ROUNDING)].sum()
        if not rounded and not other.any():
            return [f"{title} holds exactly the boxes of {first}."]
        words = [
            f"{title}: {int(count):,} {'box' if count == 1 else 'boxes'} of {self._whole(kind, key):,} "
            f"{_DONE[str(kind)][count != 1].format(most=rows['largest_shift'].max())}; {self._most(key, str(kind))}."
            for kind, count in other.items()
            if count
        ]
        if rounded:
            differ = "differs" if rounded == 1 else "differ"
            text = f"{title}: {rounded:,} of {total:,} boxes {differ} by at most one pixel"
            words.append(text + self._why_rounded(key, rounded))
        if self.crowded[key]:
            frames = "frame has" if self.crowded[key] == 1 else "frames have"
            text = f"{self.crowded[key]:,} {frames} more than {MOST_BOXES} boxes that differ"
            words.append(f"{title}: {text}; there, only equal boxes were paired.")
        return words

    def _why_rounded(self, key: str, rounded: int) -> str:
        """Explain differences of one pixel: by rounding, or by an offset that most boxes share."""
        found = self.details[(self.details["format"] == key) & (self.details["kind"] == "rounding")]
        moves = found[list(OTHER_CORNERS)].to_numpy("int64") - found[list(CORNERS)].to_numpy("int64")
        alike = pd.DataFrame(moves[(moves[:, :2] == moves[:, 2:]).all(axis=1), :2]).value_counts()
        if alike.empty or alike.iloc[0] < max(_FEWEST_MOVED, rounded / 2):
            stored = _WHY_ROUNDED.get(key, _WHY_ROUNDED.get(self.formats[0], ""))
            return f", which rounding explains{stored}."
        right, down = alike.index[0]
        direction = " and ".join(filter(None, (_DIRECTIONS[0][right], _DIRECTIONS[1][down])))
        others = rounded - int(alike.iloc[0])
        rest = f" Rounding, or the frame's edge, explains the other {others:,}." if others else ""
        return (
            f"; {alike.iloc[0]:,} of them lie a pixel further {direction} with all corners, which is no rounding: "
            f"one of the two counts pixels from 0, the other from 1.{rest}"
        )

    def _whole(self, kind: object, key: str) -> int:
        return self.boxes[key if kind == "extra" else self.formats[0]]

    def _most(self, key: str, kind: str) -> str:
        """Describe which labels a kind of difference concerns, and the first frame that has it."""
        found = self.details[(self.details["format"] == key) & (self.details["kind"] == kind)]
        labels = ", ".join(f"{label} {count:,}" for label, count in found["label"].value_counts().items())
        return f"{labels}; first in frame {found['frame'].iloc[0]}"


def compare_formats(folder: Path | str, options: OpenOptions | None = None) -> Agreement:
    """Read a folder's boxes in all formats that it holds and compare each with the first one.

    The first format is the one that `options` choose, or else the first in order of preference. As in a `Dataset`,
    labels are in lower case, and corners are in whole pixels and clipped at the edges of the frame.

    Args:
        folder: The data folder.
        options: The options for opening the folder.

    Raises:
        DataError: The folder cannot be opened, as in `open_dataset`.
    """
    options = options or OpenOptions()
    data = DataFolder(checked_folder(folder))
    dataset = read_folder(data, options, str(folder))
    found = find_formats(data)
    keys = tuple(sorted(found, key=lambda key: key != dataset.box_format))
    boxes, problems = {key: dataset.boxes for key in keys}, {}
    if len(keys) > 1:
        known = KnownFrames(dataset.frames, dataset.trials, dataset.videos, dataset.preset)
        for key in keys:
            log = ProblemLog()
            log.images_dir = dataset.images_dir
            rows = without_repeated(format_of(key).read(data, found[key], known, log), log)
            boxes[key] = validate(rows, found[key][0], known, log, found[key])
            problems[key] = log.problems()
    result = _compare(dataset, boxes, problems)
    return replace(result, proposals=propose_names(data, found, boxes, problems)) if problems else result


def _compare(dataset: Dataset, boxes: dict[str, pd.DataFrame], problems: dict[str, tuple[Problem, ...]]) -> Agreement:
    """Compare the boxes of each format with those of the first."""
    keys = tuple(boxes)
    first = boxes[keys[0]] if keys else dataset.boxes
    pairs = {key: pair_boxes(first, boxes[key]) for key in keys[1:]}
    # The empty table in front makes sure that there is a table to concatenate, with all columns.
    details = [_details("", pair_boxes(first[:0], first[:0]), first, first)]
    details += [_details(key, found, first, boxes[key]) for key, found in pairs.items()]
    summaries = [_summary("", pair_boxes(first[:0], first[:0]), first, details[0])]
    summaries += [_summary(key, pairs[key], first, own) for key, own in zip(pairs, details[1:], strict=True)]
    return Agreement(
        formats=keys,
        frames=len(dataset.frames),
        boxes={key: len(table) for key, table in boxes.items()},
        summary=pd.concat(summaries, ignore_index=True),
        details=pd.concat(details, ignore_index=True),
        problems=problems,
        crowded={key: crowded_frames(found, first, boxes[key]) for key, found in pairs.items()},
    )


def _details(key: str, pairs: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pair that is not exact, as Agreement documents it, in frame order."""
    pairs = pairs[pairs["kind"] != "exact"].reset_index(drop=True)
    own = first.reindex(pairs["first"]).reset_index(drop=True)
    other = second.reindex(pairs["second"]).reset_index(drop=True)
    both = (pairs["first"] >= 0) & (pairs["second"] >= 0)
    either = own.where(pairs["first"] >= 0, other)
    table = pd.DataFrame(
        {
            **{name: either[name] for name in ("frame", "trial_id", "label")},
            "other_label": other["label"].where(both, ""),
            "kind": pairs["kind"],
            **{name: own[name].astype("Int64") for name in CORNERS},
            **{name: other[source].astype("Int64") for name, source in zip(OTHER_CORNERS, CORNERS, strict=True)},
            "difference": pairs["difference"].astype("Int64"),
        }
    )
    table.insert(0, "format", pd.Series(key, table.index, dtype="str"))
    return table.take(either.sort_values(["trial_id", "position"], kind="stable").index.to_numpy())


def _summary(key: str, pairs: pd.DataFrame, first: pd.DataFrame, details: pd.DataFrame) -> pd.DataFrame:
    """Return one row per label, as Agreement documents it, SOCAL's labels first."""
    exact = first["label"].take(pairs.loc[pairs["kind"] == "exact", "first"].to_numpy()).value_counts()
    others = pd.crosstab(details["label"], details["kind"])
    counts = others.reindex(index=others.index.union(exact.index), columns=list(KINDS), fill_value=0)
    counts["exact"] = exact.reindex(counts.index, fill_value=0)
    shifts = details.groupby("label")["difference"].max()
    counts["largest_shift"] = shifts.reindex(counts.index).fillna(0)
    known = [label for label in layout.LABELS if label in counts.index]
    counts = counts.loc[[*known, *sorted(set(counts.index) - set(known))]].astype("int64")
    table = counts.rename_axis("label").reset_index().astype({"label": "str"}).rename_axis(columns=None)
    table.insert(0, "format", pd.Series(key, table.index, dtype="str"))
    return table


def _proposed(proposal: NameProposal) -> str:
    """Describe the classes without a name."""
    found = "; ".join(match.text() for match in proposal.matches)
    return (
        f"{format_of(proposal.key).title}: some classes have no name. By their boxes in "
        f"{format_of(proposal.other).title}, {found}. These names are not applied on their own."
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    values = table.astype("object").where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in values.to_dict("records")]
