"""The README.md of an exported model: a model card of the Hugging Face hub, with the facts of the run card."""

import html
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from socal_core.exporting.licences import HUB_NAMES

TASK = "video-classification"
METRIC_TYPES = {"auroc": "roc_auc", "brier": "brier_score"}
"""The names of metrics on the hub, where they differ from ours."""


class Use(StrEnum):
    """How an exported model is used, by the name of its input in transformers."""

    PIPELINE = "pixel_values"
    """The pipeline of transformers takes it."""
    VIDEOS = "pixel_values_videos"
    """transformers loads it; its pipeline needs a video processor, which the folder does not have."""
    PROJECT = ""
    """Only this project reads it."""


def model_card(facts: Mapping[str, Any], use: Use) -> str:
    """Return the README.md of an exported model.

    Args:
        facts: The run card (card.py).
        use: How the model is used.
    """
    parts = [
        f"---\n{_metadata(facts, use).to_yaml()}\n---",
        f"# {_plain(facts['run']['title'])}",
        _about(facts),
        f"## Use\n\n{_usage(facts, use)}",
        f"## Results\n\n{_results(facts['results'])}",
        f"## Limits\n\n{_list(facts['limits'])}",
        f"## Data and split\n\n{_data(facts)}",
        "## Licences\n\n" + _list([_licence(row) for row in facts["licences"]]),
        "## Citation\n\n" + _list([_citation(row) for row in facts["citations"]]),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(facts: Mapping[str, Any], use: Use) -> ModelCardData:
    weights, data, config = facts["model"]["weights"], facts["data"], facts["configuration"]
    licence = next((row["name"] for row in facts["licences"] if weights and weights["source"] in row["of"]), None)
    known: dict[str, Any] = {"license": HUB_NAMES[licence]} if licence in HUB_NAMES else {}
    if weights and weights["revision"]:
        known["base_model"] = weights["source"]
    return ModelCardData(
        library_name="socal-core" if use is Use.PROJECT else "transformers",
        pipeline_tag=TASK,
        tags=["surgery", "video", config["recipe"], *([data["preset"]] if data else [])],
        model_name=facts["run"]["name"],
        eval_results=_eval_results(facts),
        **known,
    )


def _eval_results(facts: Mapping[str, Any]) -> list[EvalResult]:
    data = facts["data"]
    name = "unknown" if data is None else f"{data['title']}{' (synthetic)' if data['synthetic'] else ''}"
    return [
        EvalResult(
            task_type=TASK,
            dataset_type="unknown" if data is None else data["preset"],
            dataset_name=name,
            dataset_split="test",
            metric_type=METRIC_TYPES.get(row["name"], row["name"]),
            metric_name=row["label"],
            metric_value=row["value"],
            metric_args=None if row["low"] is None else {"interval_95": [row["low"], row["high"]]},
        )
        for row in facts["results"]["scores"]
        if row["value"] is not None
    ]


def _about(facts: Mapping[str, Any]) -> str:
    results, made = facts["results"], facts["made"]
    classes = f" ({', '.join(map(_plain, results['classes']))})" if results["classes"] else ""
    return (
        f"Predicts {_plain(results['target']).lower()}{classes} of a trial from its video. Window: "
        f"{_plain(results['window'])}. Exported by socal-core {made['socal_core']} from the run "
        f"{_plain(facts['run']['name'])}. `socal.json` holds the settings that make clips, and the threshold."
    )


def _usage(facts: Mapping[str, Any], use: Use) -> str:
    config = facts["configuration"]
    own = (
        "With this project, on the frames of a data folder:\n\n"
        "```\nsocal predict FOLDER TRIAL_ID --data DATA\n```\n\n"
        "It averages the probabilities of the clips and crops of a trial "
        f"(`test_clips` {config['test_clips']}, `test_crops` {config.get('test_crops', 1)})."
    )
    if use is Use.PROJECT:
        return own
    snippet = f"""In transformers, on {config["num_frames"]} frames of one trial (RGB, uint8):

```python
from transformers import AutoImageProcessor, AutoModelForVideoClassification

processor = AutoImageProcessor.from_pretrained(FOLDER)
model = AutoModelForVideoClassification.from_pretrained(FOLDER).eval()
clip = processor(frames, return_tensors="pt")["pixel_values"]
probabilities = model({use}=clip).logits.flatten().softmax(-1)
```"""
    pipeline = (
        f"""`pipeline("{TASK}", model=FOLDER)` also loads it. It needs the package av, and takes the first """
        f"{config['num_frames']} frames of a video file, or every n-th with `frame_sampling_rate=n`; the model was "
        "trained on frames that are a second or more apart."
    )
    return "\n\n".join([own, snippet, *([pipeline] if use is Use.PIPELINE else [])])


def _results(results: Mapping[str, Any]) -> str:
    lines = [f"{results['n']} test trials.", "", "| score | value | 95 % interval |", "|---|---|---|"]
    for row in results["scores"]:
        value = "not defined" if row["value"] is None else f"{row['value']:.3f}"
        interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        lines.append(f"| {row['label']} | {value} | {interval} |")
    rows = [row for row in results["controls"] if row["verdict"]]
    verdicts = [f"The model is {row['verdict']} the control *{_plain(row['name'])}*." for row in rows]
    return "\n".join(lines) + ("\n\nBeside controls on the same trials:\n\n" + _list(verdicts) if verdicts else "")


def _data(facts: Mapping[str, Any]) -> str:
    data, split = facts["data"], facts["split"]
    lines = []
    if data is not None:
        synthetic = "Synthetic, in the layout of " if data["synthetic"] else ""
        lines.append(f"{synthetic}{data['title']}: {data['trials']} trials of {data['surgeons']} surgeons.")
        lines.append(f"Fingerprint at export: `{data['fingerprint']}`.")
    for part in split["splits"] if split else []:
        numbers = ", ".join(f"{row['subset']} {row['trials']} trials" for row in part["subsets"])
        shared = {True: "; no surgeon is in two subsets", False: "; surgeons are in several subsets", None: ""}
        lines.append(f"Split {split['method']}: {numbers}{shared[part['disjoint']]}.")
    return _list(lines)


def _licence(row: Mapping[str, str]) -> str:
    return f"{_plain(row['of'])}: {_plain(row['name'])}" + (f" ({_plain(row['note'])})" if row["note"] else "")


def _citation(row: Mapping[str, str]) -> str:
    return f"{_plain(row['of'])}: {_plain(row['text'])}" + (f" https://doi.org/{row['doi']}" if row["doi"] else "")


def _list(texts: list[str]) -> str:
    return "\n".join(f"- {text}" for text in texts) or "- not known"


def _plain(text: object) -> str:
    """Escape text for Markdown, on one line."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    for mark in "\\`*[]|":
        line = line.replace(mark, f"\\{mark}")
    return line
