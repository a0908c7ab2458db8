"""The description of a published data set: how its files are named, what they mean and how it may be used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

TRIAL, SURGEON, SUCCESS = "trial_id", "participant_id", "success"
WIDTH, HEIGHT = "trial_video_width", "trial_video_height"
_NOT_MEASURED = (TRIAL, SURGEON, SUCCESS, WIDTH, HEIGHT)


@dataclass(frozen=True)
class Licence:
    """A licence under which the data are published."""

    name: str
    stated_in: str
    """Where it is stated, to complete *stated in …*."""
    address: str


@dataclass(frozen=True)
class OutcomeColumn:
    """A column of the table of outcomes. A title also matches in another case, or with underscores for spaces."""

    name: str
    """TRIAL, SURGEON, SUCCESS, WIDTH or HEIGHT; any other is a number, which becomes a column of trials."""
    title: str
    """The title in the file."""
    label: str
    """The name to display."""
    meaning: str = ""
    """What the values are, such as `time to haemostasis`."""
    unit: str = ""
    """The unit of a number, such as `s`; "" if it has none."""
    reason: str = ""
    """Why the column is never an input, since it is an outcome itself; "" if it is none."""
    listed: bool = False
    """Whether the table of trials on the Dataset page shows the number."""

    @property
    def measured(self) -> bool:
        """Whether the values are numbers of a trial."""
        return self.name not in _NOT_MEASURED

    @property
    def label_with_unit(self) -> str:
        """The name to display with the unit, such as `Blood loss (mL)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Published:
    """The numbers that the publication states for the complete data set."""

    surgeons: int
    trials: int
    """Trials with frames."""
    frames: int
    boxes: int


@dataclass(frozen=True)
class Preset:
    """A published data set. A new one is one file with a Preset, and one entry of `PRESETS`."""

    name: str
    """The short name, such as `socal`."""
    title: str
    """The name to display, such as `SOCAL`."""
    description: str
    """What the trials are and what this program assumes about the files, in a few sentences."""

    trial_id: re.Pattern[str]
    """The form of a trial id, with groups `participant` (the surgeon) and `number`; either may be absent in a trial."""
    frame_name: re.Pattern[str]
    """The form of a frame's name, with groups `trial` and `index`, and `video` if a trial may have several videos."""
    example_trial: str
    example_frame: str

    outcomes_file: str
    boxes_file: str
    outcomes: tuple[OutcomeColumn, ...]
    """The columns of the table of outcomes that are read, in their order. TRIAL and SUCCESS are needed."""
    success: str
    """What success means, to complete *success is 1 if …*."""
    ending: str
    """How a trial ends, in a sentence."""
    longest_trial: int
    """Seconds of the longest trial."""

    licences: tuple[Licence, ...]
    """Several if they are stated in different ways."""
    citation: str
    doi: str
    """Of the cited publication."""
    address: str
    """The page from which the data can be downloaded."""
    published: Published

    surgeons_file: str = ""
    """The table of surgeons, "" if there is none."""
    mapping_file: str = "frame_to_trial_mapping.csv"
    """The table of the trial and second of each frame. Where the data do not have it, a user may add it."""
    other_files: tuple[str, ...] = ()
    """Further files that are named as in no other data set; they are not read."""
    box_titles: tuple[str, ...] = ()
    """The header of the table of boxes: the titles of frame, x1, y1, x2, y2 and label; empty if there is no header."""
    successes: tuple[str, ...] = ("1",)
    """The values of SUCCESS for a success, in lower case."""
    failures: tuple[str, ...] = ("0",)
    """The values of SUCCESS for a failure, in lower case."""
    labels: tuple[str, ...] = ()
    """The labels of boxes, in the order in which classes are numbered."""
    window: str = ""
    """The observation window of the published task, such as `0:60`; "" if there is none."""
    test_trials: tuple[str, ...] = ()
    """The published test trials."""
    coached: bool = False
    """Whether each surgeon was coached between trials 1 and 2."""

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """The names of the columns of the table of outcomes."""
        return tuple(column.name for column in self.outcomes)

    @property
    def measures(self) -> tuple[OutcomeColumn, ...]:
        """The columns that are numbers of a trial."""
        return tuple(column for column in self.outcomes if column.measured)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each column that is an outcome itself is never an input, by name."""
        return {column.name: column.reason for column in self.outcomes if column.reason}

    @property
    def has_parts(self) -> bool:
        """Whether a trial may be recorded in several videos, so that the mapping is needed to join them."""
        return "video" in self.frame_name.groupindex

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of a complete data folder."""
        mapping = self.mapping_file if self.has_parts else ""
        return tuple(filter(None, (self.outcomes_file, self.boxes_file, mapping, self.surgeons_file)))

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files of the data set besides frames."""
        return (*self.tables, *self.other_files)

    def title_of(self, name: str) -> str:
        """Return the title in the file of a column of the table of outcomes; the name itself if it has no such one."""
        return next((column.title for column in self.outcomes if column.name == name), name)

    def is_trial(self, word: str) -> bool:
        """Return whether a word has the form of a trial id."""
        return self.trial_id.fullmatch(word) is not None

    def parse_frame(self, name: str) -> tuple[str, str, int] | None:
        """Parse the name of a frame.

        Returns:
            The trial, the letter of its video ("" if there is none) and the index; None if the name has another form.
        """
        match = self.frame_name.fullmatch(name)
        if match is None:
            return None
        parts = match.groupdict()  # a million names are parsed
        return parts["trial"], parts.get("video") or "", int(parts["index"])

    def own_titles(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the column that each title in the header of the table of boxes stands for.

        Args:
            columns: The names of the columns in the order of `box_titles`.
        """
        return dict(zip(self.box_titles, columns, strict=False))
