"""What a user says of a run: a name to show, a note, tags. Kept in the run's folder, which is not renamed."""

from dataclasses import dataclass

from socal_core.errors import RunError
from socal_core.runs.files.records import NOTES, Notes
from socal_core.runs.folder import RunFolder

LONGEST_NAME = 80
LONGEST_TAG = 30
MOST_TAGS = 20
LONGEST_NOTE = 2000
"""All in characters, but for the number of tags."""


@dataclass(frozen=True)
class RunNotes:
    """What a user says of a run; empty where nothing is said. RunError when something is too long."""

    name: str = ""
    """Shown instead of the folder's name; need not be unique."""
    note: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise RunError(f"A run's name has up to {LONGEST_NAME} characters, got {len(self.name)}. Shorten it.")
        if len(self.note) > LONGEST_NOTE:
            raise RunError(f"A note has up to {LONGEST_NOTE} characters, got {len(self.note)}. Shorten it.")
        if len(self.tags) > MOST_TAGS:
            raise RunError(f"A run has up to {MOST_TAGS} tags, got {len(self.tags)}. Leave some out.")
        for tag in self.tags:
            if not 0 < len(tag) <= LONGEST_TAG:
                raise RunError(f"A tag has 1 to {LONGEST_TAG} characters, got {tag!r}. Shorten it.")


def typed_notes(name: str, note: str, tags: str) -> RunNotes:
    """Notes from what was typed: tags with commas between, each kept once; RunError when something is too long."""
    found = [_one_line(tag) for tag in tags.split(",")]
    return RunNotes(_one_line(name), note.strip(), tuple(dict.fromkeys(tag for tag in found if tag)))


def read_notes(run: RunFolder) -> RunNotes:
    """The notes of a run; none when there is no file or it is damaged."""
    try:
        found = NOTES.read(run.path, f"Run {run.name}")
        return RunNotes() if found is None else typed_notes(found.name, found.note, ",".join(found.tags))
    except RunError:
        return RunNotes()


def write_notes(run: RunFolder, notes: RunNotes) -> None:
    """Keep the notes of a run, which may be at work; RunError when its folder is gone or cannot be written."""
    try:
        NOTES.write(run.path, Notes(notes.name, notes.note, notes.tags))
    except FileNotFoundError:
        raise RunError(f"Run {run.name} no longer exists. Reload the page.") from None
    except OSError as error:
        raise RunError(
            f"The notes of run {run.name} cannot be written: {error.strerror}. May the app write to its folder?"
        ) from None


def label_of(run: RunFolder) -> str:
    """How a page calls a run, never two runs alike: `name (folder)`, or the folder's name alone."""
    name = read_notes(run).name
    return f"{name} ({run.name})" if name else run.name


def _one_line(text: str) -> str:
    return " ".join(text.split())
