"""The key numbers of an active run: progress, speed, and use of the machine."""

import streamlit as st

from pages.components.words import duration_text, plain_text
from socal_core.dataset.targets import Target, amount
from socal_core.runs.progress import MachineUse, RunProgress

UNKNOWN = "–"
MB_PER_GB = 1000


def live_tiles(progress: RunProgress, machine: MachineUse | None, target: Target, has_epochs: bool) -> None:
    """Show the tiles in a row that wraps on a narrow page, with tiles for the GPU if there is one."""
    training = [*_training(progress), *_score(progress, target)] if has_epochs else []
    with st.container(horizontal=True, gap="medium"):
        for label, value, text in (*training, *_machine(machine)):
            st.metric(label, value, help=text, width="content")


def _training(progress: RunProgress) -> list[tuple[str, str, str]]:
    epoch, left, speed = progress.epoch, progress.seconds_left, progress.clips_per_second
    rate, wait = progress.learning_rate, progress.data_wait
    most = "Current epoch and the largest number of epochs"
    return [
        ("Epoch", UNKNOWN if epoch is None else f"{epoch} of {progress.epochs}", most),
        (
            "Time left",
            UNKNOWN if left is None else duration_text(left),
            "If all epochs are trained. Early stopping may end training sooner.",
        ),
        ("Clips per second", _number(speed), "Training clips per second, averaged over the last epoch"),
        (
            "Data wait",
            _percent(None if wait is None else 100 * wait),
            "Fraction of the training time of the last epoch that was spent waiting for clips",
        ),
        ("Learning rate", UNKNOWN if rate is None else f"{rate:.1e}", "The learning rate of the last step"),
    ]


def _score(progress: RunProgress, target: Target) -> list[tuple[str, str, str]]:
    """Return the tile of the validation score of another target than success."""
    if target.is_success:
        return []
    text = "On the validation trials, after the last epoch; the curve below shows its interval"
    if target.is_number:
        error = progress.val_rmse
        value = UNKNOWN if error is None else plain_text(amount(error, target.unit))
        return [("Validation RMSE", value, f"Root mean squared error. {text}")]
    accuracy = progress.val_accuracy
    return [("Validation accuracy", UNKNOWN if accuracy is None else f"{accuracy:.2f}", text)]


def _machine(machine: MachineUse | None) -> list[tuple[str, str, str]]:
    if machine is None:
        return [("CPU", UNKNOWN, "Measured every few seconds while the run is active"), ("Memory", UNKNOWN, "")]
    tiles = [
        ("CPU", _percent(machine.cpu_percent), "Fraction of all processors of the machine that the run uses"),
        ("Memory", _gigabytes(machine.memory_mb), f"Used by the run, of {_gigabytes(machine.memory_total_mb)}"),
    ]
    if machine.gpu_percent is not None:
        tiles.append(("GPU", _percent(machine.gpu_percent), "Fraction of the time that the first GPU is busy"))
    if machine.gpu_memory_mb is not None:
        whole = _gigabytes(machine.gpu_memory_total_mb)
        tiles.append(("GPU memory", _gigabytes(machine.gpu_memory_mb), f"Used on the first GPU, of {whole}"))
    return tiles


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}%"


def _gigabytes(megabytes: float | None) -> str:
    return UNKNOWN if megabytes is None else f"{megabytes / MB_PER_GB:.1f} GB"
