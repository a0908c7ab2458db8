"""Messages for a folder without frames: what it holds instead, and what to do."""

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.media import has_pictures
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.file_handles import os_reason
from socal_core.presets import PRESETS, SOCAL, Preset, is_trial

_DEPTH = 3
_MOST_NAMED = 3
_VIDEO_SUFFIXES = tuple(sorted(layout.VIDEO_SUFFIXES))


def expected(preset: Preset = SOCAL) -> str:
    """Describe a data folder."""
    tables = [preset.outcomes_file, preset.boxes_file]
    beside = f"{', '.join(tables)} and {preset.mapping_file}" if preset.has_parts else " and ".join(tables)
    return (
        f"A {preset.title} folder holds {layout.IMAGES_DIR}/ with frames such as {preset.example_frame} (or a folder "
        f"{preset.example_trial}/ of frames, or a video {preset.example_trial}.mp4, for each trial) and, beside it, "
        f"{beside}."
    )


def no_frames(folder: DataFolder, typed: str, log: ProblemLog) -> str:
    """Explain that no frame of a trial was found.

    Args:
        folder: The data folder.
        typed: The folder as the user wrote it.
        log: The problems so far; the first error may be the reason.

    Returns:
        The message.
    """
    start = f"{typed}: {log.images_dir or 'the folder'} holds no frame of a trial. "
    why = next((f"{problem.message} " for problem in log.problems() if problem.severity is not Severity.INFO), "")
    if not why:
        step = _packed(folder, log.images_dir) or _further_down(folder, typed)
        if step:
            return f"{typed}: {step}"
    return f"{start}{why}{expected(folder.preset)}"


def no_images(folder: DataFolder, typed: str, images_dir: str, error: OSError) -> str:
    """Explain why frames cannot be listed.

    Args:
        folder: The data folder.
        typed: The folder as the user wrote it.
        images_dir: The folder of frames, relative to the data folder.
        error: The error from listing it.

    Returns:
        The message.
    """
    try:
        listing = folder.listing()
    except OSError:
        return f"{typed}: the folder may not be read. Ask its owner for permission."
    names = [*listing.files, *listing.folders, *listing.others]
    if not names:
        return f"{typed}: the folder is empty. {expected(folder.preset)}"
    if not isinstance(error, FileNotFoundError):
        return f"{typed}: {images_dir} cannot be read ({os_reason(error)}). {expected(folder.preset)}"
    archives = [name for name in sorted(names) if name.lower().endswith(".zip")]
    if archives:
        return f"{typed}: {archives[0]} is not unpacked. Unpack it here, so that {layout.IMAGES_DIR} is beside it."
    step = _further_down(folder, typed)
    if step:
        return f"{typed}: {step}"
    return f"{typed}: the folder has no {layout.IMAGES_DIR}. It holds {_named(names)}. {expected(folder.preset)}"


def report_case(folder: DataFolder, log: ProblemLog) -> None:
    """Record the files that were read under a name in another case, and names that several files could have."""
    for asked, written in folder.renamed.items():
        if not _was_used(folder, asked, written, log.images_dir):
            continue
        text = f"{printable(written)} is read as {asked}."
        log.add_evidence(written, text, "The names differ only in case, and no other file has such a name.")
    for asked, names in folder.ambiguous.items():
        log.add(file_kinds.AMBIGUOUS_CASE, asked, names=_named(names))


def _was_used(folder: DataFolder, asked: str, written: str, images_dir: str) -> bool:
    """Return whether a file, or anything in a folder, was read under the name that was asked for."""
    if images_dir in (asked, written) or written in folder.digests:
        return True
    return any(file == asked or file.startswith(f"{asked}/") for file in folder.digests)


def _packed(folder: DataFolder, images_dir: str) -> str:
    """Explain that the folder of frames holds zips instead, as SOSpine's does; return "" if it does not."""
    try:
        files = folder.listing(images_dir).files
    except OSError:
        return ""
    zips = [name for name in files if name.lower().endswith(".zip")]
    if not images_dir or not zips:
        return ""
    return f"{images_dir} holds {_named(zips)} instead of frames. Unpack each zip there, into a folder of its name."


def _further_down(folder: DataFolder, typed: str) -> str:
    """Explain which subfolder holds data; return "" if none does."""
    found = _data_folders(folder, "", _DEPTH)
    if not found:
        return ""
    if len(found) == 1:
        return f"the data are further down, in {printable(found[0])}. Open {typed.rstrip('/')}/{printable(found[0])}."
    return f"the data are further down, in {_named(found)}. Open one of these folders."


def _data_folders(folder: DataFolder, path: str, depth: int) -> list[str]:
    try:
        folders = folder.listing(path).folders
    except OSError:
        return []
    found = []
    for name in folders:
        below = f"{path}/{name}".lstrip("/")
        if _holds_data(folder, below):
            found.append(below)
        elif depth > 1:
            found += _data_folders(folder, below, depth - 1)
        if len(found) > _MOST_NAMED:
            break
    return found


def _holds_data(folder: DataFolder, path: str) -> bool:
    tables = (preset.outcomes_file for preset in PRESETS)
    try:
        listing = folder.listing(path)
        videos = (name.rpartition(".")[0] for name in listing.files if name.lower().endswith(_VIDEO_SUFFIXES))
        return (
            any(folder.has(f"{path}/{name}") for name in (*layout.IMAGES_DIRS, *tables))
            or any(map(is_trial, videos))
            or has_pictures(folder, path)
        )
    except OSError:
        return False


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(printable, names[:_MOST_NAMED])) + more
