"""Before the start of a run: advice on its settings, and its estimated cost on this machine."""

from pathlib import Path

import streamlit as st

from pages.components.words import duration_text, plain_text, size_text
from socal_core.dataset.dataset import Dataset
from socal_core.errors import SocalError
from socal_core.figures.training import planned_learning_rates
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.maintenance.locks import lock_problem
from socal_core.preflight.advice import Level, advice
from socal_core.preflight.circumstances import Circumstances, circumstances
from socal_core.preflight.cost import DAY, KEPT_CHECKPOINTS, Cost, estimate, measured_speed
from socal_core.preflight.learning_rates import changes_by_step, planned_rates
from socal_core.preflight.machine import Gpu, Machine, find_gpu, this_machine
from socal_core.runs.architecture import architecture_for
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.settings import Recipe, TrainConfig
from socal_core.splits import split_dataset
from socal_core.workspace import runs_root, workspace

SHOWN = 3
"""Number of pieces of advice per level to show at once; the rest is in a collapsed section."""
NEWEST_RUNS = 20
"""Number of runs to search for one with the same model, whose speed was measured."""
BOXES = {
    Level.ERROR: (st.error, ":material/block:"),
    Level.WARNING: (st.warning, ":material/warning:"),
    Level.INFO: (st.info, ":material/info:"),
}


def show_advice(dataset: Dataset, config: TrainConfig) -> bool:
    """Show advice on the settings and the cost of a run.

    Args:
        dataset: The data set to train on.
        config: The settings of the run, which must allow a split.

    Returns:
        Whether the run may be started.
    """
    try:
        split = split_dataset(dataset, config.split)
        machine = this_machine(runs_root(), _gpu())
        found = circumstances(dataset, split, config, machine.cores, _gpus(), _lock_problem())
        cost = _cost(config, found, machine)
    except (SocalError, OSError) as error:
        st.error(plain_text(error))
        return False
    given = advice(config, found)
    texts = {level: [item.text for item in given if item.level is level] for level in Level}
    texts[Level.WARNING] = [*cost.warnings, *texts[Level.WARNING]]
    for level, lines in texts.items():
        _box(level, lines)
    if not texts[Level.ERROR]:
        _show_cost(cost, config, machine, found)
    return not texts[Level.ERROR]


def _box(level: Level, lines: list[str]) -> None:
    """Show the advice of one level in a box, and in a collapsed section if there is much of it."""
    if not lines:
        return
    show, icon = BOXES[level]
    texts = [plain_text(line) for line in lines]
    listed = texts if len(texts) == 1 else [f"- {text}" for text in texts]
    show("\n".join(listed[:SHOWN]), icon=icon)
    if len(lines) > SHOWN:
        with st.expander(f"{len(lines) - SHOWN} more of this kind"):
            st.markdown("\n".join(listed[SHOWN:]))


def _show_cost(cost: Cost, config: TrainConfig, machine: Machine, found: Circumstances) -> None:
    if config.model.recipe is Recipe.FROZEN:
        _show_frozen_cost(cost, machine, "ridge" if found.target.is_number else "logistic")
        return
    where = "of GPU memory" if cost.on_gpu else "of memory"
    epochs = "one epoch" if config.optimization.num_epochs == 1 else f"up to {config.optimization.num_epochs} epochs"
    st.markdown(
        f":material/schedule: About **{_time(cost.seconds)}** for {epochs} on this machine, "
        f"**{_about(cost.memory)}** {where}, **{_about(cost.checkpoints)}** of disk space for checkpoints."
    )
    with st.expander("How this is estimated"):
        _tiles(cost)
        _basis(cost, config, machine)
    _show_learning_rates(config, found.train.trials)


def _show_frozen_cost(cost: Cost, machine: Machine, regression: str) -> None:
    where = "of GPU memory" if cost.on_gpu else "of memory"
    st.markdown(
        f":material/schedule: About **{_time(cost.seconds)}** on this machine, **{_about(cost.memory)}** {where}: "
        f"the features of {cost.training_clips:,} clips are computed once, then a {regression} regression is fitted."
    )
    with st.expander("How this is estimated"):
        unit = "GPU" if machine.gpu else f"processor with {machine.cores} cores"
        st.caption(
            f"The encoders have {_count(cost.parameters)} weights, which training does not change. A clip takes "
            f"{cost.clip_flop / 1e9:,.0f} GFLOP (forward pass only). The speed is that of a typical {unit}; it can be "
            "off by a factor of two or three. Decoding frames that are not yet in the clip cache takes additional "
            "time. Features are kept in the cache, so a later run on the same clips does not compute them again."
        )


def _show_learning_rates(config: TrainConfig, training: int) -> None:
    """Show the learning rate of each layer, in a collapsed section."""
    chosen = config.optimization
    with st.expander("Learning rate of each layer"):
        rates = planned_rates(chosen, -(-training // chosen.batch_size), architecture_for(config).num_hidden_layers)
        st.plotly_chart(planned_learning_rates(rates), key="planned-rates")
        if chosen.use_lr_scheduler and not changes_by_step(chosen):
            st.caption(
                f"All rates are multiplied by {chosen.scheduler_factor:g} whenever the validation loss has not fallen "
                f"for more than {chosen.scheduler_patience} epochs."
            )


def _tiles(cost: Cost) -> None:
    tiles = (
        (
            "Trained weights",
            _count(cost.trained_parameters),
            f"Trainable parameters, of {_count(cost.parameters)} of the model",
        ),
        ("Tokens per clip", f"{cost.tokens:,}", "The length of the sequence that the model processes"),
        ("Work per clip", f"{cost.clip_flop / 1e9:,.0f} GFLOP", "Forward and backward pass for one clip"),
        ("Time per epoch", _time(cost.epoch_seconds), "Training and validation"),
    )
    for column, (label, value, text) in zip(st.columns(len(tiles)), tiles, strict=True):
        column.metric(label, value, help=text, border=True)


def _basis(cost: Cost, config: TrainConfig, machine: Machine) -> None:
    unit = "GPU" if machine.gpu else f"processor with {machine.cores} cores"
    basis = (
        "measured in the newest run of this model and number of frames on this machine"
        if cost.measured
        else f"that of a typical {unit}, since this model has no run here; it can be off by a factor of two or three"
    )
    chosen = config.optimization
    sooner = ", and early stopping may end training sooner" if chosen.use_early_stopping else ""
    repeats = config.augmentation.repeated_augmentation
    room = machine.gpu.memory if machine.gpu else machine.memory
    free = "" if machine.gpu else f", {size_text(machine.free_memory)} of it free now"
    st.caption(
        f"An epoch has {cost.training_clips:,} training and {cost.evaluation_clips:,} validation clips. The speed is "
        f"{basis}. Decoding frames that are not yet in the clip cache takes additional time{sooner}.  \n"
        f"Memory: weights, gradients, {chosen.optimizer} and a batch of "
        f"{min(chosen.batch_size * repeats, cost.training_clips)} clips. The machine has {size_text(room)}{free}.  \n"
        f"Checkpoints: {KEPT_CHECKPOINTS} are kept, with the state of {chosen.optimizer}. "
        f"{size_text(machine.free_disk)} of disk space is free."
    )


def _cost(config: TrainConfig, found: Circumstances, machine: Machine) -> Cost:
    runs = list_runs(runs_root())[:NEWEST_RUNS]
    speed = _speed(config.model.model, config.clip.num_frames, machine.gpu, tuple(_stamp(run) for run in runs))
    return estimate(config, found.train.trials, found.validation.trials, found.test.trials, machine, speed)


@st.cache_data(max_entries=16, show_spinner=False)
def _speed(model: str, num_frames: int, gpu: Gpu | None, runs: tuple[tuple[str, int], ...]) -> float | None:
    """Return the measured speed. It is looked up again only if a run was added or its events file has grown."""
    return measured_speed((RunFolder(Path(path)) for path, _ in runs), model, num_frames, gpu)


def _stamp(run: RunFolder) -> tuple[str, int]:
    try:
        return str(run.path), run.events_file.stat().st_size
    except OSError:
        return str(run.path), 0


@st.cache_resource(show_spinner=False)
def _gpu() -> Gpu | None:
    """Find the GPU once per server process, since that may take several seconds."""
    return find_gpu()


@st.cache_resource(show_spinner=False)
def _gpus() -> int:
    """Count the GPUs, including parts of a divided GPU, whose memory is unknown."""
    return len(visible_gpus())


@st.cache_resource(show_spinner=False)
def _lock_problem() -> str:
    """Try the locks once per server process: the file system of the workspace does not change."""
    return lock_problem(workspace())


def _time(seconds: float) -> str:
    return f"{seconds / DAY:.1f} days" if seconds >= 2 * DAY else duration_text(seconds)


def _about(size: float) -> str:
    """Format a number of bytes that is only roughly known."""
    return f"{size / 1e9:.1f} GB" if size >= 0.5e9 else f"{size / 1e6:.0f} MB"


def _count(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e5 else f"{number:,}"
