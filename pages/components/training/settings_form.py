"""The form for the settings of a run, built from their declarations. Typed values are kept for the session."""

from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.training.target_form import can_be_predicted, choose_target
from pages.components.training.view_form import choose_view, filter_of_view
from pages.components.words import plain_text
from socal_core.access.data_roots import allowed, data_roots
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.outcomes import SURGEON_COLUMNS
from socal_core.dataset.windows import WHOLE, Window
from socal_core.errors import ConfigError, DataError
from socal_core.runs.architecture import check_num_frames
from socal_core.runs.catalogue import CATALOGUE, check_licence, known_model
from socal_core.runs.model_choice import default_model, local_folder, weights_at_hand
from socal_core.settings import (
    FULL,
    HEAD_ONLY,
    LORA,
    SETTINGS,
    TINY,
    Control,
    EncoderChoice,
    Recipe,
    Setting,
    TrainConfig,
    default_config,
)
from socal_core.workspace import runs_root

OPEN = {"Model", "Clip", "Optimisation"}
OTHER = "other"
MODELS = {**{model.name: model.title for model in CATALOGUE if model.direct}, OTHER: "Another model"}
FIRST_MINUTE = "0:60"
ALL_BUT_LAST = "all but last"
WINDOWS = {
    FIRST_MINUTE: "First 60 s",
    WHOLE: "Whole trial",
    ALL_BUT_LAST: "All but the last seconds",
    OTHER: "Other seconds",
}
LABELS = {
    "recipe": "Recipe",
    "tune": "Trained weights",
    "lora_rank": "Rank of LoRA",
    "lora_modules": "Layers of LoRA",
    "head_dropout": "Dropout before the head",
    "attention_dropout": "Dropout of attention",
    "compile": "Compile the model",
    "head_scale": "Scale of a new head",
    "test_crops": "Crops per test clip",
    "repeated_augmentation": "Clips per training trial",
    "encoder": "Encoder of the features",
    "test_clips": "Clips per test trial",
    "crop_area": "Smallest crop",
    "rand_augment": "RandAugment strength",
    "rand_augment_steps": "RandAugment steps",
    "mixup": "Mixup alpha",
    "cutmix": "CutMix alpha",
    "scaled_decoding": "Scaled JPEG decoding",
    "num_workers": "Reading threads",
    "use_lr_scheduler": "Change the learning rate",
    "use_early_stopping": "Early stopping",
    "gpus": "GPUs",
    "licence_accepted": "Accept the licence",
    "image_size": "Frame size in pixels",
}
"""Labels of settings whose names are not clear enough."""
STEPS = {"mixup": 0.1, "cutmix": 0.1}
"""Step sizes of number fields for which steps of 1 are too large."""
CHOICES = {
    Recipe.FROZEN: "Frozen features",
    Recipe.FINETUNE: "Fine-tuning",
    Recipe.SMALL_DATA: "VideoMAE, small data",
    Recipe.NOTEBOOK: "Reference notebook",
    Control.NONE: "None: an ordinary run",
    Control.SHUFFLED_FRAMES: "Frames of each clip in a random order",
    Control.SHUFFLED_OUTCOMES: "Outcomes exchanged between trials",
    EncoderChoice.AUTO: "All that beat chance",
    EncoderChoice.IMAGE: "EfficientNet-Lite0, frame by frame",
    EncoderChoice.VIDEO: "The model above, clip by clip",
    EncoderChoice.BOTH: "Both",
}
"""Labels of values whose names are not clear enough."""
TUNED = {
    FULL: "All weights",
    "last:4": "The last 4 blocks and the head (last:4)",
    "last:2": "The last 2 blocks and the head (last:2)",
    HEAD_ONLY: "Only the head",
    LORA: "The head and low-rank updates (LoRA)",
}
"""The offered values of `tune`; others can be typed."""
SCIENTIFIC_RATIO = 1e4
"""If the upper limit of a number is this many times the lower one, it is shown as 1e-4 instead of 0.0001."""


def settings_form(dataset: Dataset | None) -> TrainConfig | None:
    """Show the form and return the settings. If a value is not valid, show why and return None.

    Args:
        dataset: The data set in use, whose outcomes can be predicted; None if there is none.
    """
    if _key("model_choice") not in st.session_state:
        st.session_state[_key("model_choice")] = default_model()
        _take_defaults()
    values: dict[str, Any] = {}
    try:
        for heading, members in groupby(SETTINGS.values(), key=lambda item: item.heading):
            _show_group(heading, list(members), values, dataset)
        config = TrainConfig.from_flat(values)
        check_num_frames(config)
        check_licence(config.model)
        return config if dataset is None or can_be_predicted(dataset, config.model.target) else None
    except ConfigError as error:
        st.error(plain_text(error))
        return None


def _show_group(heading: str, members: list[Setting], values: dict[str, Any], dataset: Dataset | None) -> None:
    """Show the settings of a heading that apply given the settings above, and add their values to `values`."""
    if not any(item.applies(values) for item in members):
        return
    with st.expander(heading, expanded=heading in OPEN):
        for item in members:
            if item.applies(values):
                values[item.name] = _show_setting(item, dataset)


def _show_setting(item: Setting, dataset: Dataset | None) -> Any:
    """Show the widget of a setting, which depends on its name or its type, and return the value."""
    if item.name == "target":
        return choose_target(item, _key("target"), dataset)
    if item.name == "view":
        return choose_view(dataset)
    if item.name == "trials":
        return filter_of_view(st.session_state[_key("view")], dataset)
    if item.name == "model":
        return _model(item)
    if item.name == "window":
        return _window(item)
    changed = {"on_change": _take_recipe} if item.name == "recipe" else {}
    known: dict[str, Any] = {
        "label": LABELS.get(item.name, item.name.replace("num_", "number_of_").replace("_", " ").capitalize()),
        "key": _key(item.name),
        "help": item.help,
        "persist_state": "session",
        **changed,
    }
    if item.name == "tune":
        options = dict.fromkeys([*TUNED, st.session_state[_key("tune")]])
        return st.selectbox(
            options=list(options), format_func=lambda value: TUNED.get(value, value), accept_new_options=True, **known
        )
    if item.kind is bool:
        return st.toggle(**known)
    if isinstance(item.kind, type) and issubclass(item.kind, Enum):
        return st.selectbox(options=list(item.kind), format_func=lambda value: CHOICES.get(value, str(value)), **known)
    if item.kind in {int, float}:
        return st.number_input(**known, **_number_format(item))
    if item.name == "split_column":
        return st.selectbox(options=SURGEON_COLUMNS, **known)
    return st.text_input(**known)


def _number_format(item: Setting) -> dict[str, Any]:
    low, high = item.low, item.high
    if item.kind is int:
        return {"min_value": int(low), "max_value": int(high), "step": item.step}
    if low > 0 and high / low > SCIENTIFIC_RATIO:
        return {
            "min_value": low,
            "max_value": high,
            "step": default_config(st.session_state[_key("model_choice")]).as_dict()[item.name] / 5,
            "format": "%.1e",
        }
    step = STEPS.get(item.name, 0.01 if high <= 1 else 1.0)
    return {"min_value": low, "max_value": high, "step": step, "format": "%g"}


def _model(item: Setting) -> str:
    choice = st.selectbox(
        "Model",
        list(MODELS),
        format_func=MODELS.__getitem__,
        key=_key("model_choice"),
        on_change=_take_defaults,
        help=item.help + " Choosing a model or a recipe sets its defaults, except for target, window and split.",
        persist_state="session",
    )
    model = choice
    if choice == OTHER:
        model = st.text_input(
            "Hugging Face id or folder", key=_key("model_other"), persist_state="session", placeholder="owner/name"
        ).strip()
        if not model:
            raise ConfigError("model", "must be a Hugging Face id or the path of a model's folder", model)
        _check_folder(model)
    known = known_model(model)
    if known is not None:
        unverified = f" (not verified: {known.unverified})" if known.unverified else ""
        st.caption(plain_text(f"{known.description} Licence: {known.licence}{unverified}. Source: {known.source}."))
    if model == TINY:
        return TINY
    if weights_at_hand(model):
        st.caption("Its weights are on this machine.")
    else:
        st.caption(
            ":material/warning: Its weights are not on this machine. Turn on **Allow download**, or choose tiny."
        )
    return model


def _check_folder(model: str) -> None:
    """Check that a folder with a model may be used: one below the data roots, or a checkpoint of a run of this app."""
    roots = data_roots()
    is_path = model.startswith(("/", "~", ".")) or local_folder(model) is not None
    if not roots or not is_path:
        return
    try:
        allowed(Path(model).expanduser(), roots, also=(runs_root(),))
    except (DataError, RuntimeError):
        rule = "must be a Hugging Face id, a checkpoint of a run, or a folder below the data roots of this server"
        raise ConfigError("model", rule, model) from None


def _window(item: Setting) -> str:
    key = _key("window_choice")
    st.session_state.setdefault(key, FIRST_MINUTE)
    choice = st.radio(
        "What the model sees of a trial",
        list(WINDOWS),
        format_func=WINDOWS.__getitem__,
        key=key,
        help=item.help,
        persist_state="session",
    )
    if choice == ALL_BUT_LAST:
        return f"0:-{_seconds('Seconds left out', default=10, least=1)}"
    if choice != OTHER:
        return str(choice)
    left, right = st.columns(2)
    with left:
        start = _seconds("From second", default=0)
    with right:
        stop = _seconds("To second", default=120)
    window = f"{start}:{stop}"
    Window.parse(window)
    return window


def _seconds(name: str, default: int, least: int = 0) -> int:
    key = _key(name)
    st.session_state.setdefault(key, default)
    return int(st.number_input(name, min_value=least, max_value=99_999, step=1, key=key, persist_state="session"))


def _take_defaults() -> None:
    """Set the settings to the defaults of the chosen model and its recipe, except for target, window and split."""
    _take(default_config(st.session_state[_key("model_choice")]))


def _take_recipe() -> None:
    """Set the settings to the defaults of the chosen recipe, except for target, window and split."""
    _take(default_config(st.session_state[_key("model_choice")], Recipe(st.session_state[_key("recipe")])))


def _take(config: TrainConfig) -> None:
    for name, value in config.as_dict().items():
        if SETTINGS[name].group == "split" or name == "target":
            st.session_state.setdefault(_key(name), value)
        elif name not in {"model", "window"}:
            st.session_state[_key(name)] = value


def _key(name: str) -> str:
    return f"setting-{name}"
