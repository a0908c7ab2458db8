"""Find out which published data set a folder holds, from the names of its files and frames."""

from collections.abc import Iterator

from socal_core import presets
from socal_core.dataset import layout
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frame_names import original_name, trial_of_name
from socal_core.dataset.frame_times import holds_time
from socal_core.dataset.problem_kinds import file_kinds
from socal_core.dataset.problems import ProblemLog, printable
from socal_core.errors import DataError
from socal_core.presets import Preset

_DEPTH = 3
"""Levels of nested folders, as in `images/train/S102T1`."""

Named = dict[str, tuple[Preset, str]]
"""What only one preset names so, by the name of the preset: the preset and the first such file."""


def detect_preset(folder: DataFolder, typed: str, log: ProblemLog) -> Preset:
    """Detect the preset of a folder: by a file that only one preset names, else by names of frames that fit only one.

    Args:
        folder: The data folder.
        typed: The folder as the user wrote it, for messages.
        log: Receives the evidence, and a problem for each file of another data set.

    Returns:
        The preset; the first of the list if nothing identifies one.

    Raises:
        DataError: The folder holds several data sets.
    """
    by_file = _by_file(folder)
    if len(by_file) == 1:
        preset, file = next(iter(by_file.values()))
        basis = "No other known data set has a file of this name."
        log.add_evidence(folder.actual(file), f"The data set is {preset.title}.", basis)
        return preset
    by_frame = _by_frame(folder)
    if len(by_frame) == 1:
        preset, frame = next(iter(by_frame.values()))
        basis = f"Names such as {printable(frame)} fit no other known data set."
        log.add_evidence(frame.rpartition("/")[0], f"The data set is {preset.title}.", basis)
        for other, file in by_file.values():
            if other is not preset:
                log.add(file_kinds.OTHER_DATA_SET, file, other=other.title, preset=preset.title)
        return preset
    several = by_file or by_frame
    if several:
        found = " and of ".join(f"{preset.title} ({printable(path)})" for preset, path in several.values())
        raise DataError(f"{typed}: the folder has files of {found}. Move each data set to a separate folder.")
    return presets.PRESETS[0]


def _by_file(folder: DataFolder) -> Named:
    found: Named = {}
    for preset in presets.PRESETS:
        others = {
            file for other in presets.PRESETS if other is not preset for file in (*other.files, other.mapping_file)
        }
        file = next((file for file in preset.files if file not in others and folder.is_file(file)), None)
        if file is not None:
            found[preset.name] = preset, file
    return found


def _by_frame(folder: DataFolder) -> Named:
    found: Named = {}
    recognized: set[str] = set()  # the trials of recognized names: one frame of each is enough, of a million
    for path in _media(folder):
        own = path.rpartition("/")[2]
        start = own.partition("_")[0]
        if start in recognized:
            continue
        own = original_name(own)
        stem = own.rpartition(".")[0] or own
        fitting = [one for one in presets.PRESETS if one.frame_name.fullmatch(own) or one.is_trial(stem)]
        if not fitting and not found and holds_time(stem):
            fitting = [one for one in presets.PRESETS if trial_of_name(own, one)]
        if len(fitting) == 1:
            recognized.add(start)
            found.setdefault(fitting[0].name, (fitting[0], path))
            if len(found) == len(presets.PRESETS):
                break
    return found


def _media(folder: DataFolder) -> Iterator[str]:
    """Yield the paths of what may be frames, videos or folders of trials."""
    for name in layout.VIDEOS_DIRS:
        if folder.has(name):
            yield from _below(folder, folder.actual(name), _DEPTH)
    yield from _below(folder, "", 1)
    for name in _below(folder, "", 1):
        if name.lower() in layout.SPLIT_FOLDERS:
            yield from _below(folder, name, _DEPTH)


def _below(folder: DataFolder, path: str, depth: int) -> Iterator[str]:
    try:
        listing = folder.listing(path)
    except OSError:
        return  # reported where the frames are read
    yield from (f"{path}/{name}".lstrip("/") for name in (*listing.files, *listing.folders))
    for name in listing.folders if depth > 1 else ():
        yield from _below(folder, f"{path}/{name}".lstrip("/"), depth - 1)
