"""Files whose names differ in case, as after a move from Windows or macOS, where case does not matter."""

from socal_core.dataset.folder import DataFolder


def same_names(folder: DataFolder, name: str) -> list[str]:
    """List the entries of the data folder with a name: the name itself, else the same name in another case."""
    return [folder.actual(name)] if folder.has(name) else folder.ambiguous.get(name, [])


def chosen_file(folder: DataFolder, name: str) -> str:
    """Return the name on disk of a file of the layout, "" if there is none or several differ only in case."""
    return folder.actual(name) if folder.has(name) else ""
