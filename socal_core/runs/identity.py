"""Which run it is: a run that was deleted and another one of the same name are different runs."""

from dataclasses import dataclass

from socal_core.errors import RunError
from socal_core.runs.files.records import IDENTITY
from socal_core.runs.folder import RunFolder


@dataclass(frozen=True)
class KnownRun:
    """A run as a page has shown it. A later action gets this run, or none if another one has its name."""

    run: RunFolder
    identity: str
    """What no other run of the same name has; "" if there was no run."""

    @classmethod
    def of(cls, run: RunFolder) -> "KnownRun":
        """Return the run that has the name now."""
        return cls(run, _identity(run))

    @property
    def key(self) -> str:
        """The run, as part of the key of a widget."""
        return f"{self.run.name}-{self.identity[:12]}"

    def still_there(self) -> RunFolder:
        """Return the run.

        Raises:
            RunError: It is gone, or another one has its name.
        """
        if not self.identity or _identity(self.run) != self.identity:
            raise RunError(
                f"Run {self.run.name} no longer exists: it was moved, or deleted in another window. Nothing was done."
            )
        return self.run


def _identity(run: RunFolder) -> str:
    """Return what identifies a run: for those of earlier versions and those whose file is damaged, their folder."""
    try:
        found = IDENTITY.read(run.path, f"Run {run.name}")
    except RunError:
        found = None
    if found is not None:
        return found.id
    try:
        folder = run.path.stat()
    except OSError:
        return ""
    return f"folder-{folder.st_dev}-{folder.st_ino}"
