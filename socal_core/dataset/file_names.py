"""Files that are called in another case, as after a move from Windows or macOS, where case does not matter."""

from socal_core.dataset.folder import DataFolder


def same_names(folder: DataFolder, name: str) -> list[str]:
    """List what the data folder has under a name: the name itself, else the same in another case."""
    return [folder.actual(name)] if folder.has(name) else folder.ambiguous.get(name, [])


def chosen_file(folder: DataFolder, name: str) -> str:
    """Return the name on disk of a file in the layout, "" when there is none or several differ in case alone."""
    return folder.actual(name) if folder.has(name) else ""
