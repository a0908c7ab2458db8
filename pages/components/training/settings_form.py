"""The form of a run's settings, drawn from the fields of TrainConfig; what is typed stays for the whole session."""

from dataclasses import Field, fields
from enum import Enum
from itertools import groupby
from typing import Any

import streamlit as st

from pages.components.words import plain_text
from socal_core.dataset.outcomes import SURGEON_COLUMNS
from socal_core.dataset.windows import WHOLE, Window
from socal_core.errors import ConfigError
from socal_core.runs.acting import acts
from socal_core.runs.architecture import check_num_frames
from socal_core.runs.config import PRETRAINED, TINY, TrainConfig, default_config
from socal_core.runs.model_choice import default_model, weights_at_hand
from socal_core.runs.recipes import EncoderChoice, Recipe

OPEN_GROUPS = {"Model", "Clip", "Optimisation"}
OTHER = "other"
MODELS = {TINY: "tiny (comes with the app)", PRETRAINED: "VideoMAE base (pre-trained)", OTHER: "Another model"}
FIRST_MINUTE = "0:60"
ALL_BUT_LAST = "all but last"
WINDOWS = {
    FIRST_MINUTE: "First 60 s",
    WHOLE: "Whole trial",
    ALL_BUT_LAST: "All but the last seconds",
    OTHER: "Other seconds",
}
LABELS = {
    "recipe": "Way to train",
    "encoder": "Encoder of the features",
    "test_clips": "Clips per test trial",
    "crop_area": "Smallest crop",
    "rand_augment": "RandAugment strength",
    "rand_augment_steps": "RandAugment steps",
    "mixup": "Mixup alpha",
    "cutmix": "CutMix alpha",
    "scaled_decoding": "Scaled JPEG decoding",
    "num_workers": "Reading threads",
    "gpus": "GPUs",
}
"""Where a setting's name alone would not read well."""
STEPS = {"mixup": 0.1, "cutmix": 0.1}
"""Of the buttons beside a number, where steps of 1 would pass over every value in use."""
CHOICES = {
    Recipe.FINETUNE: "Fine-tune all weights",
    Recipe.FROZEN: "Frozen features",
    EncoderChoice.AUTO: "All that beat chance",
    EncoderChoice.IMAGE: "EfficientNet-Lite0, frame by frame",
    EncoderChoice.VIDEO: "The model above, clip by clip",
    EncoderChoice.BOTH: "Both",
}
"""Values of settings whose names alone would not read well."""
SCIENTIFIC_RATIO = 1e4
"""A number whose upper limit is this many times its lower one is typed as 1e-4, not as 0.0001."""


def settings_form() -> TrainConfig | None:
    """Draw the form; None when a value is refused, and the form then says which and why."""
    if _key("model_choice") not in st.session_state:
        st.session_state[_key("model_choice")] = default_model()
        _take_defaults()
    values: dict[str, Any] = {}
    try:
        for group, members in groupby(fields(TrainConfig), key=lambda item: item.metadata["group"]):
            _draw_group(group, list(members), values)
        config = TrainConfig(**values)
        check_num_frames(config)
        return config
    except ConfigError as error:
        st.error(plain_text(error))
        return None


def _draw_group(group: str, members: list[Field[Any]], values: dict[str, Any]) -> None:
    """The settings of a group that change anything, given those drawn before, into `values`; nothing without any."""
    if not any(acts(item, values) for item in members):
        return
    with st.expander(group, expanded=group in OPEN_GROUPS):
        for item in members:
            if acts(item, values):
                values[item.name] = _draw(item)


def _draw(item: Field[Any]) -> Any:
    """The widget of one setting, by its name where it has one of its own, else by its type."""
    if item.name == "model":
        return _model(item)
    if item.name == "window":
        return _window(item)
    known: dict[str, Any] = {
        "label": LABELS.get(item.name, item.name.replace("num_", "number_of_").replace("_", " ").capitalize()),
        "key": _key(item.name),
        "help": item.metadata["help"],
        "persist_state": "session",
    }
    if item.type is bool:
        return st.toggle(**known)
    if isinstance(item.type, type) and issubclass(item.type, Enum):
        return st.selectbox(options=list(item.type), format_func=lambda value: CHOICES.get(value, str(value)), **known)
    if item.type in {int, float}:
        return st.number_input(**known, **_number_format(item))
    if item.name == "split_column":
        return st.selectbox(options=SURGEON_COLUMNS, **known)
    return st.text_input(**known)


def _number_format(item: Field[Any]) -> dict[str, Any]:
    low, high = item.metadata["low"], item.metadata["high"]
    if item.type is int:
        return {"min_value": int(low), "max_value": int(high), "step": item.metadata["step"]}
    if low > 0 and high / low > SCIENTIFIC_RATIO:
        return {
            "min_value": low,
            "max_value": high,
            "step": getattr(default_config(st.session_state[_key("model_choice")]), item.name) / 5,
            "format": "%.1e",
        }
    step = STEPS.get(item.name, 0.01 if high <= 1 else 1.0)
    return {"min_value": low, "max_value": high, "step": step, "format": "%g"}


def _model(item: Field[Any]) -> str:
    choice = st.selectbox(
        "Model",
        list(MODELS),
        format_func=MODELS.__getitem__,
        key=_key("model_choice"),
        on_change=_take_defaults,
        help=item.metadata["help"] + " Choosing a model sets its defaults, except for window and split.",
        persist_state="session",
    )
    if choice == TINY:
        st.caption(
            "A small VideoMAE, pre-trained on generated clips. It knows shapes, colours and motion, but has never "
            "seen an operation."
        )
        return TINY
    model = choice
    if choice == OTHER:
        model = st.text_input(
            "Hugging Face id or folder", key=_key("model_other"), persist_state="session", placeholder="owner/name"
        ).strip()
        if not model:
            raise ConfigError("model", "must be a Hugging Face id or the path of a model's folder", model)
    if weights_at_hand(model):
        st.caption("Its weights are on this machine.")
    else:
        st.caption(
            ":material/warning: Its weights are not on this machine. Switch on **Allow download**, or choose tiny."
        )
    return model


def _window(item: Field[Any]) -> str:
    key = _key("window_choice")
    st.session_state.setdefault(key, FIRST_MINUTE)
    choice = st.radio(
        "What the model sees of a trial",
        list(WINDOWS),
        format_func=WINDOWS.__getitem__,
        key=key,
        help=item.metadata["help"],
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
    """Set every setting to the default of the chosen model; the window and the split stay what they are once chosen."""
    config = default_config(st.session_state[_key("model_choice")])
    for item in fields(TrainConfig):
        if item.metadata["group"] == "Split":
            st.session_state.setdefault(_key(item.name), getattr(config, item.name))
        elif item.name not in {"model", "window"}:
            st.session_state[_key(item.name)] = getattr(config, item.name)


def _key(name: str) -> str:
    return f"setting-{name}"
