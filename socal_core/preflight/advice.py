"""Advice on the settings of a run before it starts: settings that contradict each other, or do not suit the data.

Pure functions of the settings, the data and the machine. Only settings with which a run cannot train are an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from socal_core.dataset.targets import short_name
from socal_core.preflight.circumstances import Circumstances, SubsetCounts
from socal_core.runs.architecture import architecture_of, input_sizes
from socal_core.settings import TINY, OptimizerName, Recipe, SamplingMethod, SplitMethod, TrainConfig

FEW_TRIALS = 1000
"""With fewer, fine-tuning a pre-trained model at a usual learning rate overfits (VideoMAE#129)."""
FEW_TEST_TRIALS = 20
"""With fewer, one trial changes the test accuracy by more than 5 percentage points."""
FEW_VALIDATION_TRIALS = 10
"""Fewer than for the test subset: validation only ranks the epochs of one run, and it takes training trials away."""
RECIPE_RATE, RECIPE_CLIPS = 5e-4, 256
"""VideoMAE's own recipe for small data sets: the learning rate for this many clips per step, lower for fewer."""
SMALL_BATCH = 4
FAR_OFF = 4
"""Multiple of the recipe's learning rate above which very small batches are known to fail (VideoMAE#84)."""
GENTLE_RATE, PRETRAINED_RATE, SMALL_RATE = 3e-5, 1e-4, 3e-5
"""Learning rates of AdamW: the highest for pre-trained weights on a small data set, and on any data set; the lowest
for `tiny`."""
SGD_RATE, HIGHEST_RATE = 1e-3, 1e-2
SMALLEST_CROP = 0.3
STRONG_FLIP, STRONG_HUE, STRONG_COLOUR, STRONG_ROTATION = 0.5, 0.2, 0.5, 45
THREADS_PER_CORE = 4
LEAST_REDUCTION = 2
"""Scaled decoding halves a frame only if its shorter edge is then at least twice the input size of the model."""
TEST_SETTINGS = {
    SplitMethod.KFOLD: ("folds", "Choose fewer folds, or train all of them."),
    SplitMethod.SOCAL20: ("split_method", "Choose another split_method."),
    SplitMethod.COLUMN: ("split_value", "Choose another split_value or split_method."),
}
"""For methods without test_fraction: the setting that determines the test subset, and what to do if it is too small."""


class Level(StrEnum):
    """How much a piece of advice matters."""

    ERROR = "error"
    """The run cannot train, so it must not be started."""
    WARNING = "warning"
    """The settings are known to fail, or they contradict each other."""
    INFO = "info"
    """A hint."""


@dataclass(frozen=True)
class Advice:
    """One finding about the settings, and what to do about it."""

    level: Level
    field: str
    """The setting to change; "" if it is not a setting that has to change."""
    text: str


def advice(config: TrainConfig, found: Circumstances) -> list[Advice]:
    """Return the advice on these settings: errors first, then warnings, then hints."""
    rules = [_batch, _learning_rate, _patience, _clip, _augmentation, _dropout, _reading, _devices, _subsets, _locks]
    if config.model.recipe is Recipe.FROZEN:
        rules = [_clip, _reading, _subsets, _locks]
    given = [item for rule in rules for item in rule(config, found)]
    return sorted(given, key=lambda item: list(Level).index(item.level))


def _subsets(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    for name, subset in (("training", found.train), ("validation", found.validation), ("test", found.test)):
        if not subset.trials:
            window = config.clip.observation.describe()
            text = f"No {name} trial has a frame in the window ({window}). Choose another window."
            yield Advice(Level.ERROR, "window", text)
    text = ""
    if found.train.one_outcome:
        text = f"All {found.train.trials} training trials are {found.train.one_outcome}: there is nothing to learn."
    elif found.train.trials and found.train.missing:
        text = f"No training trial is of class {short_name(found.train.missing[0])}, so it cannot be learned."
    if text:
        yield Advice(Level.ERROR, "split_method", f"{text} Choose another seed, smaller fractions or more data.")
    larger = "Increase {}, choose another seed or add trials."
    field = "validation_fraction"
    remedy, number = larger.format(field), found.target.is_number
    yield from _held_out("validation", found.validation, FEW_VALIDATION_TRIALS, number, field, remedy)
    field, remedy = TEST_SETTINGS.get(config.split.split_method, ("test_fraction", larger.format("test_fraction")))
    yield from _held_out("test", found.test, FEW_TEST_TRIALS, number, field, remedy)


def _held_out(name: str, subset: SubsetCounts, few: int, number: bool, field: str, remedy: str) -> Iterator[Advice]:
    """Warn about a validation or test subset that is too small or lacks an outcome; `number` for a numeric target."""
    undefined = "R²" if number else "AUROC"
    if subset.trials == 1:
        consequence = "" if number else ", and the accuracy is either 0 or 1"
        text = f"The {name} subset has one trial: it has no {undefined}{consequence}."
    elif subset.one_outcome:
        text = f"All {subset.trials} {name} trials are {subset.one_outcome}, so the {name} subset has no {undefined}."
    elif subset.trials and subset.missing:
        text = f"No {name} trial is of class {short_name(subset.missing[0])}, so the {name} subset has no AUROC."
    elif 0 < subset.trials < few:
        changed = (
            "its error depends strongly on each of them"
            if number
            else f"one trial changes the {name} accuracy by {100 / subset.trials:.0f} percentage points"
        )
        text = f"The {name} subset has only {subset.trials} trials: {changed}."
    else:
        return
    yield Advice(Level.WARNING, field, f"{text} {remedy}")


def _batch(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    size, trials = config.optimization.batch_size, found.train.trials
    if 1 < trials < size:
        yield Advice(
            Level.WARNING,
            "batch_size",
            f"batch_size {size} exceeds the {trials} training trials: each step uses all of them, and an epoch is one "
            f"step. Set it to {max(1, trials // 4)}.",
        )
    rest = trials % size
    if trials > size and 0 < rest < size / 4:
        even = -(-trials // -(-trials // size))
        yield Advice(
            Level.INFO,
            "batch_size",
            f"The last batch of an epoch has only {rest} of {trials} trials. A batch_size of {even} makes the batches "
            "more even.",
        )


def _learning_rate(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    """Yield at most one piece of advice, since each gives the learning rate to use."""
    chosen, pretrained = config.optimization, config.model.model != TINY
    rate, batch_size = chosen.learning_rate, chosen.batch_size
    recipe = RECIPE_RATE * batch_size / RECIPE_CLIPS
    text = ""
    if chosen.optimizer is OptimizerName.SGD:
        if rate < SGD_RATE:
            text = f"SGD at {rate:g} learns almost nothing. Set learning_rate to 1e-3 to 1e-1, or choose AdamW."
    elif rate > HIGHEST_RATE:
        usual = "1e-5 to 3e-5" if pretrained else "1e-4 to 3e-4"
        text = f"AdamW at {rate:g} does not converge, and the loss may become NaN. Set it to {usual}."
    elif pretrained and rate > PRETRAINED_RATE:
        text = f"{rate:g} is so high that the model forgets its pre-training. Set learning_rate to 1e-5 to 3e-5."
    elif not pretrained and rate < SMALL_RATE:
        text = (
            f"{rate:g} is too low for a model as small as {TINY}: {chosen.num_epochs} epochs are not enough. Set it to "
            "1e-4."
        )
    elif pretrained and rate > GENTLE_RATE and found.train.trials < FEW_TRIALS:
        weights = architecture_of(config.model.model).parameters / 1e6
        text = (
            f"{weights:.0f} million weights, all trainable, on {found.train.trials} trials at {rate:g}: this overfits "
            f"within a few epochs. Set learning_rate to 1e-5 (VideoMAE's own recipe gives {recipe:.1e} for batches of "
            f"{batch_size}), and sampling to segments."
        )
    elif pretrained and batch_size < SMALL_BATCH and rate > FAR_OFF * recipe:
        text = (
            f"Steps of {batch_size} clips are noisy at {rate:g}: VideoMAE's recipe, {RECIPE_RATE:g} for "
            f"{RECIPE_CLIPS} clips, gives {recipe:.1e}. Lower learning_rate, or raise batch_size."
        )
    if text:
        yield Advice(Level.WARNING, "learning_rate", text)


def _patience(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    chosen = config.optimization
    if not chosen.use_early_stopping:
        return
    patience, ends = chosen.scheduler_patience, chosen.early_stopping_patience
    # After `patience` + 1 epochs without improvement the rate falls; an epoch with the lower rate is one more.
    if chosen.use_lr_scheduler and ends < patience + 2 <= chosen.num_epochs:
        yield Advice(
            Level.WARNING,
            "early_stopping_patience",
            f"Training ends after {ends} epochs without improvement, but the learning rate falls only after "
            f"{patience + 1}, so no epoch would use the lower rate. Set early_stopping_patience to {patience + 2} or "
            "more.",
        )
    if chosen.num_epochs <= ends + 1:
        yield Advice(
            Level.INFO,
            "num_epochs",
            f"With {chosen.num_epochs} epochs and a patience of {ends}, training never ends early. The best epoch is "
            "still the one that is used.",
        )


def _clip(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    frames, shown = config.clip.num_frames, found.window_frames
    if not shown:
        return
    if frames > shown:
        step = architecture_of(config.model.model).tubelet_size
        what = f"Set num_frames to {step}" if shown < 2 * step else f"Set num_frames to {shown // step * step} or less"
        yield Advice(
            Level.WARNING,
            "num_frames",
            f"A clip has {frames} frames, but the window of most trials has {shown} or less, so frames repeat. {what}.",
        )
        return
    stride = config.clip.stride
    span = (frames - 1) * stride + 1
    if config.clip.sampling is SamplingMethod.DENSE and span > shown:
        yield Advice(
            Level.WARNING,
            "stride",
            f"A dense clip of {frames} frames with stride {stride} spans {span} frames, but the window has {shown}, so "
            f"its last frame repeats. Set stride to {(shown - 1) // (frames - 1)} or less.",
        )


def _augmentation(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    chosen = config.augmentation
    mixed = [name for name in ("mixup", "cutmix") if getattr(chosen, name) > 0]
    if mixed and min(config.optimization.batch_size, found.train.trials) == 1:
        names = " and ".join(mixed)
        yield Advice(
            Level.WARNING, mixed[0], f"With one clip per step, {names} has no clip to mix in. Raise batch_size."
        )
    if chosen.crop_area < SMALLEST_CROP:
        yield Advice(
            Level.WARNING,
            "crop_area",
            f"Crops of {chosen.crop_area:.0%} of the frame often miss the tools, which carry information about the "
            "outcome. Set crop_area to 0.5 or more.",
        )
    strong = (
        ("horizontal_flip", STRONG_FLIP, "mirrors most training clips, but no validation clip is mirrored", "0.5"),
        ("hue_jitter", STRONG_HUE, "gives blood colours that occur in no trial", "0.1"),
        ("color_jitter", STRONG_COLOUR, "makes clips much darker or paler than any trial", "0.2 to 0.4"),
        ("rotation_degrees", STRONG_ROTATION, "tilts clips strongly, although cameras are upright", "10"),
    )
    for name, most, effect, usual in strong:
        value = getattr(chosen, name)
        if value > most:
            yield Advice(Level.INFO, name, f"{name} {value:g} {effect}. {usual} is usual.")


def _dropout(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    chosen = config.model
    none = chosen.dropout_rate == chosen.attention_dropout == chosen.head_dropout == chosen.drop_path == 0
    if none and found.train.trials < FEW_TRIALS:
        weights = architecture_of(chosen.model).parameters / 1e6
        yield Advice(
            Level.INFO,
            "dropout_rate",
            f"Dropout is off, with {weights:.0f} million weights and {found.train.trials} trials. A rate of 0.1 to 0.2 "
            "helps against overfitting.",
        )


def _devices(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    gpus = config.machine.gpus
    if gpus > max(1, found.gpus):
        there = "one GPU" if found.gpus == 1 else f"{found.gpus} GPUs" if found.gpus else "no GPU"
        text = f"The run asks for {gpus} GPUs, but this machine has {there}. Set gpus to {max(1, found.gpus)}."
        yield Advice(Level.ERROR, "gpus", text)
    clips = -(-min(config.optimization.batch_size, max(1, found.train.trials)) // gpus)
    if config.machine.accumulation_steps > clips:
        yield Advice(
            Level.INFO,
            "accumulation_steps",
            f"{clips} clips per device cannot be divided into {config.machine.accumulation_steps} parts. Set "
            f"accumulation_steps to {clips}.",
        )


def _locks(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    if found.lock_problem:
        yield Advice(Level.WARNING, "", found.lock_problem)


def _reading(config: TrainConfig, found: Circumstances) -> Iterator[Advice]:
    if config.machine.num_workers > THREADS_PER_CORE * found.cores:
        yield Advice(
            Level.INFO,
            "num_workers",
            f"{config.machine.num_workers} reading threads share {found.cores} processor cores with training. "
            f"Set num_workers to {max(2, found.cores)}.",
        )
    least = 2 * LEAST_REDUCTION * min(input_sizes(config.model))
    if config.machine.scaled_decoding and found.frame_edge is not None and found.frame_edge < least:
        yield Advice(
            Level.INFO,
            "scaled_decoding",
            f"Scaled decoding has no effect: the shorter edge of the frames has {found.frame_edge} pixels, and this "
            f"model requires {least}.",
        )
