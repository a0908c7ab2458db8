"""Files that are called in another case, as after a move from Windows or macOS, where case does not matter."""

from socal_core.dataset.folder import DataFolder
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, printable


def same_names(folder: DataFolder, name: str) -> list[str]:
    """List what the data folder has under a name: the name itself, else the same in another case."""
    if folder.has(name):
        return [name]
    listing = folder.listing()
    return [own for own in (*listing.files, *listing.folders, *listing.others) if own.lower() == name.lower()]


def chosen_file(folder: DataFolder, name: str, log: ProblemLog) -> str:
    """Find a file of the data folder by its name, in whatever case.

    Args:
        folder: The data folder.
        name: The name in SOCAL's layout.
        log: Takes the evidence for a file in another case, and a problem when several fit.

    Returns:
        The file's own name, "" when there is none or several fit.
    """
    names = same_names(folder, name)
    if len(names) > 1:
        log.add(file_kinds.SEVERAL_CASES, name, names=printable(", ".join(names)))
        return ""
    if names and names[0] != name:
        log.add_evidence(names[0], f"It is read as {name}.", "It is the only file of this name in any case.")
    return names[0] if names else ""
