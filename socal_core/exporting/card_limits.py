"""The parts of a run card about what limits its result, and about licences and citations."""

from collections.abc import Mapping
from typing import Any

from socal_core import __version__
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_from_json, filter_in_words
from socal_core.demo.tables import is_demo
from socal_core.evaluation.run_results import data_differ
from socal_core.exporting.licences import NO_DERIVATIVES, licence_of
from socal_core.lifecycle.control import ABOUT_CONTROLS
from socal_core.preflight.advice import FEW_TEST_TRIALS
from socal_core.runs.catalogue import CATALOGUE, EFFICIENTNET, known_model
from socal_core.runs.files.records import Environment
from socal_core.settings import IMAGE_ENCODER, TrainConfig

NOT_KNOWN = "not known"
SOFTWARE = "SOCAL outcome prediction"
NOT_CLINICAL = (
    "The model was tested on trials of the data set that it was trained on, and on no other. It is not a medical "
    "device, and no decision about a person should depend on it."
)


def limits(facts: Mapping[str, Any], config: TrainConfig, with_names: bool = True) -> list[str]:
    """List what limits the result of a run, for the reader of its card.

    Args:
        facts: The other parts of the card.
        config: The settings of the run.
        with_names: Whether to say which trials were chosen, which may name surgeons.
    """
    data, split, results = facts["data"] or {}, facts["split"] or {}, facts["results"] or {}
    found = [NOT_CLINICAL]
    if config.clip.control in ABOUT_CONTROLS:
        found.insert(0, ABOUT_CONTROLS[config.clip.control])
    if config.split.trials:
        words = filter_in_words(filter_from_json(config.split.trials))
        found.append(f"Only some trials of the data were used, in all subsets{f': {words}' if with_names else ''}.")
    if data.get("synthetic"):
        found.append("The data are synthetic: the result says nothing about surgery.")
    if split.get("warning"):
        found.append(split["warning"])
    if any(part["disjoint"] is None for part in split.get("splits", [])):
        found.append(
            "The surgeons of some trials are not known here, so that it was not checked who is in two subsets."
        )
    if results.get("task") == "recognition":
        found.append(
            f"Recognition, not prediction: {results['share_ending_inside']:.0%} of the trials end inside the window, "
            "so the model can see their outcome."
        )
    if data_differ(data.get("fingerprint"), results.get("data_fingerprint")):
        found.append(
            "The data folder was changed after the run was evaluated: the results are those of an earlier version, "
            f"with the fingerprint {results['data_fingerprint']}."
        )
    if results and results["n"] < FEW_TEST_TRIALS:
        found.append(f"There are only {results['n']} test trials: do not rank models by these scores.")
    if results.get("left_out"):
        found.append(f"{results['left_out']} trials were left out because too few of their frames can be read.")
    if results.get("stand_ins"):
        found.append(f"{results['stand_ins']} frames cannot be read and were replaced by the nearest readable ones.")
    if config.model.model == "tiny":
        found.append("`tiny` was pre-trained on generated clips only, and sees frames of 96 pixels.")
    return found


def licences(facts: Mapping[str, Any], environment: Environment, dataset: Dataset | None) -> list[dict[str, str]]:
    """List the licences of data and weights: of, name, and note ("" if there is none)."""
    rows = []
    if facts["data"] and facts["data"]["synthetic"]:
        rows.append({"of": "the synthetic data", "name": "CC0 1.0", "note": ""})
    elif dataset is not None:
        rows += [
            {"of": f"the data of {dataset.preset.title}", "name": item.name, "note": f"stated in {item.stated_in}"}
            for item in dataset.preset.licences
        ]
    weights = environment.weights
    if weights is not None:
        name = licence_of(weights) or NOT_KNOWN
        rows.append({"of": f"the weights {weights.source}", "name": name, "note": _about(name)})
    if environment.encoders and IMAGE_ENCODER in environment.encoders:
        found = next(model for model in CATALOGUE if model.name == EFFICIENTNET)
        rows.append({"of": f"the weights {found.title}", "name": found.licence, "note": ""})
    return rows


def _about(licence: str) -> str:
    if licence == NOT_KNOWN:
        return "ask their owner before you share what was trained from them"
    return "does not allow sharing changed weights, such as fine-tuned ones" if licence == NO_DERIVATIVES else ""


def citations(dataset: Dataset | None, environment: Environment) -> list[dict[str, str]]:
    """List what to cite: of, text, and doi ("" if there is none)."""
    version = environment.socal_core or __version__
    rows = [{"of": "software", "text": f"{SOFTWARE}, socal-core {version}", "doi": ""}]
    if dataset is not None and not is_demo(dataset.root):
        rows.insert(0, {"of": "data", "text": dataset.preset.citation, "doi": dataset.preset.doi})
    known = known_model(environment.weights.source) if environment.weights else None
    if known is not None:
        rows.append({"of": f"weights {known.name}", "text": known.source, "doi": ""})
    return rows
