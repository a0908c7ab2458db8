"""The user's notes on single trials of a run, such as why a prediction is wrong. They are kept in its folder."""

from socal_core.errors import RunError
from socal_core.file_handles import os_reason
from socal_core.runs.files.records import TRIAL_NOTES, TrialNotes
from socal_core.runs.folder import RunFolder
from socal_core.runs.notes import LONGEST_NOTE
from socal_core.storage import locked


def read_trial_notes(run: RunFolder) -> dict[str, str]:
    """Return the notes of a run by trial_id.

    Raises:
        RunError: The file is damaged, or a newer version of the app wrote it.
    """
    found = TRIAL_NOTES.read(run.path, f"Run {run.name}")
    return {} if found is None else found.notes


def write_trial_note(run: RunFolder, trial_id: str, note: str) -> None:
    """Write the note on a trial; an empty one deletes it. Notes on other trials stay.

    Raises:
        RunError: The note is too long, the file is damaged, or the folder of the run cannot be written to.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise RunError(f"A note can have at most {LONGEST_NOTE} characters, got {len(note)}. Shorten it.")
    try:
        with locked(run.path / ".trial_notes.lock"):  # another tab may write a note on another trial
            others = {trial: text for trial, text in read_trial_notes(run).items() if trial != trial_id}
            TRIAL_NOTES.write(run.path, TrialNotes(others | ({trial_id: note} if note else {})))
    except OSError as error:
        raise RunError(
            f"The notes of run {run.name} cannot be written: {os_reason(error)}. Check that the app may write to its "
            "folder, and that it still exists."
        ) from None
