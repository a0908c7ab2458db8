"""Write an explanation for people: a table of tools, a table of times, and a picture of the map."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError, RunError
from socal_core.explanations.attention_record import AttentionMap
from socal_core.explanations.overlay import overlay
from socal_core.explanations.record import Explanation
from socal_core.file_handles import os_reason
from socal_core.spreadsheets import csv_for_people
from socal_core.storage import new_folder

TOOLS, TIMES, MAP, VALUES = FILES = "tools.csv", "times.csv", "map.png", "explanation.json"
ATTENTION, ATTENTION_VALUES = "attention.png", "attention.json"
"""Written only if the attention was mapped."""


def write_folder(explanation: Explanation, dataset: Dataset, out: Path, attention: AttentionMap | None = None) -> None:
    """Write tools.csv, times.csv, explanation.json and map.png, the map over the middle frame that the model sees.

    Args:
        explanation: The explanation.
        dataset: The data set with the trial.
        out: The folder, which must not exist or be empty. It appears when it is complete.
        attention: The attention map of the same trial, written as attention.png and attention.json; None for none.

    Raises:
        DataError: The middle frame cannot be read.
        RunError: The folder is not empty, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out.name} already exists and is not empty. Choose another folder.")
    frame = _middle_frame(explanation, dataset)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with new_folder(out) as draft:
            values = explanation.as_dict()
            (draft / VALUES).write_text(json.dumps(values, indent=2), encoding="utf-8")
            tools = pd.DataFrame(
                values["tools"], columns=["label", "frames", "area", "without", "change", "stands_out"]
            )
            (draft / TOOLS).write_text(csv_for_people(tools), encoding="utf-8")
            pd.DataFrame(values["times"], columns=["first", "last", "change"]).to_csv(draft / TIMES, index=False)
            overlay(frame, explanation.squares).save(draft / MAP)
            if attention is not None:
                overlay(frame, attention.squares, place=attention.place).save(draft / ATTENTION)
                (draft / ATTENTION_VALUES).write_text(json.dumps(attention.as_dict(), indent=2), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{out.name} cannot be written: {os_reason(error)}. Choose another folder.") from None


def _middle_frame(explanation: Explanation, dataset: Dataset) -> Image.Image:
    frames = dataset.frames_of(explanation.trial_id)
    middle = explanation.frames[len(explanation.frames) // 2]
    rows = frames.loc[frames["position"] == middle, "frame"]
    if rows.empty:
        raise DataError(f"Frame {middle + 1} of trial {explanation.trial_id} is no longer in the data folder.")
    pixels = dataset.read_frame(str(rows.iloc[0]))
    return Image.fromarray(np.ascontiguousarray(pixels))


def explanation_text(explanation: Explanation) -> str:
    """Describe an explanation in lines of text."""
    lines = [f"{explanation.trial_id}: {explanation.output_name} {explanation.output:.3f}"]
    for tool in explanation.tools:
        note = "" if tool.stands_out else ", not more than the same boxes elsewhere"
        lines.append(f"without {tool.label} ({tool.frames} frames): {tool.without:.3f} ({-tool.change:+.3f}{note})")
    if not explanation.tools:
        lines.append("The frames that the model sees have no boxes, so that nothing can be said about tools.")
    verdict = "better" if explanation.faithfulness.better_than_random else "not better"
    lines.append(f"The map of the frame is {verdict} than a random map (p = {explanation.faithfulness.p_value:.3f}).")
    return "\n".join(lines)


def attention_text(found: AttentionMap | None, reason: str) -> str:
    """Say whether an attention map means anything, or why there is none."""
    if found is None:
        return f"There is no attention map: {reason}"
    verdict = "better" if found.faithfulness.better_than_random else "not better"
    return f"The attention map is {verdict} than a random map (p = {found.faithfulness.p_value:.3f})."
