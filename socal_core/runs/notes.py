"""The user's notes on a run: a display name, a note and tags. They are kept in the folder, which is not renamed."""

from dataclasses import dataclass

from socal_core.errors import RunError
from socal_core.file_handles import os_reason
from socal_core.runs.files.records import NOTES, Notes
from socal_core.runs.folder import RunFolder

LONGEST_NAME = 80
LONGEST_TAG = 30
MOST_TAGS = 20
LONGEST_NOTE = 2000
"""Limits in characters, except MOST_TAGS, which is a number of tags."""


@dataclass(frozen=True)
class RunNotes:
    """The user's notes on a run; empty fields are not set.

    Raises:
        RunError: A field is too long.
    """

    name: str = ""
    """The display name, which need not be unique."""
    note: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise RunError(
                f"A run's name can have at most {LONGEST_NAME} characters, got {len(self.name)}. Shorten it."
            )
        if len(self.note) > LONGEST_NOTE:
            raise RunError(f"A note can have at most {LONGEST_NOTE} characters, got {len(self.note)}. Shorten it.")
        if len(self.tags) > MOST_TAGS:
            raise RunError(f"A run can have at most {MOST_TAGS} tags, got {len(self.tags)}. Remove some.")
        for tag in self.tags:
            if not 0 < len(tag) <= LONGEST_TAG:
                raise RunError(f"A tag has 1 to {LONGEST_TAG} characters, got {tag!r}. Shorten it.")


def typed_notes(name: str, note: str, tags: str) -> RunNotes:
    """Create notes from what the user typed.

    Args:
        name: The display name.
        note: The note.
        tags: The tags, separated by commas; duplicates are dropped.

    Raises:
        RunError: A field is too long.
    """
    found = [_one_line(tag) for tag in tags.split(",")]
    return RunNotes(_one_line(name), note.strip(), tuple(dict.fromkeys(tag for tag in found if tag)))


def read_notes(run: RunFolder) -> RunNotes:
    """Read the notes of a run; they are empty if there is no file or it is damaged."""
    try:
        found = NOTES.read(run.path, f"Run {run.name}")
        return RunNotes() if found is None else typed_notes(found.name, found.note, ",".join(found.tags))
    except RunError:
        return RunNotes()


def write_notes(run: RunFolder, notes: RunNotes) -> None:
    """Write the notes of a run, which may be active.

    Raises:
        RunError: The folder of the run no longer exists or cannot be written to.
    """
    try:
        NOTES.write(run.path, Notes(notes.name, notes.note, notes.tags))
    except FileNotFoundError:
        raise RunError(f"Run {run.name} no longer exists. Reload the page.") from None
    except OSError as error:
        raise RunError(
            f"The notes of run {run.name} cannot be written: {os_reason(error)}. Check that the app may write to its "
            "folder."
        ) from None


def label_of(run: RunFolder) -> str:
    """Return the unique label of a run on pages: `name (folder)`, or the name of the folder."""
    name = read_notes(run).name
    return f"{name} ({run.name})" if name else run.name


def _one_line(text: str) -> str:
    return " ".join(text.split())
