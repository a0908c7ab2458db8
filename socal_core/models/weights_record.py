"""Record the source, revision and hash of the weights that a run started from."""

import hashlib
from pathlib import Path

from socal_core.errors import ModelError, RunError
from socal_core.models.find import find_model
from socal_core.runs.catalogue import known_model
from socal_core.runs.files.records import WeightsRecord
from socal_core.runs.folder import RunFolder
from socal_core.settings import ModelSettings


def weights_of_run(run: RunFolder, resumed: bool) -> WeightsRecord | None:
    """Describe the weights that a run started from.

    Args:
        run: The run.
        resumed: Whether the run continues from a checkpoint. Its first start recorded the weights.

    Returns:
        The record; None if the record of a resumed run is lost.

    Raises:
        ModelError: The run is new, and its model is not on this machine.
    """
    if not resumed:
        return describe_weights(run.read_config().model)
    try:
        return run.read_environment().weights
    except RunError:
        return None


def check_weights(run: RunFolder) -> None:
    """Check that the weights that a run started from are still the same, for a run that adds its updates to them.

    Raises:
        ModelError: They differ, or are no longer on this machine.
        RunError: environment.json cannot be read.
    """
    recorded, found = run.read_environment().weights, describe_weights(run.read_config().model)
    if recorded is not None and recorded.sha256 != found.sha256:
        raise ModelError(
            f"The weights of {found.source} are not those that run {run.name} started from, so its updates do not fit "
            "them. Restore those weights, or start a new run."
        )


def describe_weights(settings: ModelSettings) -> WeightsRecord:
    """Describe the weights that a new run starts from.

    Args:
        settings: Of a run whose model is on this machine.

    Raises:
        ModelError: The model is not on this machine.
    """
    files = find_model(settings.model, allow_download=False)
    known = known_model(settings.model)
    return WeightsRecord(files.name, files.revision, _digest(files.weight_files()), known.licence if known else None)


def _digest(paths: tuple[Path, ...]) -> str:
    digests = {}
    for path in paths:
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()
