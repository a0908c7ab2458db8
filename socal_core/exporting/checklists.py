"""The items of TRIPOD+AI and of CLAIM that a run can fill in, and those that remain for its authors."""

from collections.abc import Mapping
from typing import Any

from socal_core.exporting.checklist_items import Checklist
from socal_core.settings import Recipe


def fill(checklist: Checklist, answers: Mapping[str, str]) -> dict[str, Any]:
    """Fill in a checklist.

    Args:
        checklist: The checklist.
        answers: What is known, from `answers_of`.

    Returns:
        name, source and items: for each, number, section, subject, status (`filled`, or `open` if a person has to add
        something), known (what the run knows, "" if nothing) and open (what is to be added, "" if nothing).
    """
    items = []
    for item in checklist.items:
        known = " ".join(answers[key] for key in item.keys if answers.get(key))
        rest = item.rest or ("" if known else "The run does not know it.")
        items.append(
            {
                "number": item.number,
                "section": item.section,
                "subject": item.subject,
                "status": "open" if rest else "filled",
                "known": known,
                "open": rest,
            }
        )
    return {"name": checklist.name, "source": checklist.source, "items": items}


def answers_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return a sentence for each subject that items ask for, "" if the run does not know it.

    Args:
        facts: The other parts of the card.
    """
    return {**_about_data(facts), **_about_split(facts["split"]), **_about_model(facts), **_about_results(facts)}


def _about_data(facts: Mapping[str, Any]) -> dict[str, str]:
    data, results = facts["data"], facts["results"]
    of_success = facts["configuration"]["target"] == "success"
    known = {}
    if results and not of_success:
        known["outcome"] = f"The outcome is {results['target']}."
    if results:
        known["missing_data"] = (
            f"Trials with an unknown outcome are not used. {results['left_out']} trials were left out and "
            f"{results['stand_ins']} frames replaced because frames cannot be read."
        )
    if data is None:
        return known
    kind = "synthetic data in the layout of " if data["synthetic"] else ""
    source = "" if data["synthetic"] else f" ({data['address']})"
    if of_success:
        known["outcome"] = f"Success: {data['success']}."
    return known | {
        "data": f"{kind}{data['title']}{source}: {data['trials']} trials of {data['surgeons']} surgeons, "
        f"{data['frames']} frames; fingerprint {data['fingerprint'][:12]}…",
        "eligibility": f"A trial is used if it has a frame and a known outcome: {data['usable_trials']} of "
        f"{data['trials']} trials.",
    }


def _about_split(split: Mapping[str, Any] | None) -> dict[str, str]:
    if split is None:
        return {}
    parts = split["splits"]
    rows = [(part["name"], row) for part in parts for row in part["subsets"]]
    named = len(parts) > 1
    counts = [_count(row) + (f" ({name})" if named else "") for name, row in rows]
    known = {"split": f"Split method {split['method']}: {'; '.join(counts)}.", "by_subset": f"{'; '.join(counts)}."}
    if all(part["disjoint"] for part in parts):
        known["disjoint"] = "By surgeon: no surgeon is in two subsets."
    elif any(part["disjoint"] is False for part in parts):
        known["disjoint"] = "By trial: surgeons are in several subsets."
    return known


def _count(row: Mapping[str, Any]) -> str:
    surgeons = f" of {row['surgeons']} surgeons" if "surgeons" in row else ""
    outcomes = row.get("outcomes")
    by_class = f" (classes {', '.join(f'{name}: {count}' for name, count in outcomes.items())})" if outcomes else ""
    return f"{row['subset']} {row['trials']} trials{surgeons}{by_class}"


def _about_model(facts: Mapping[str, Any]) -> dict[str, str]:
    config, model, hardware, results = (facts[name] for name in ("configuration", "model", "hardware", "results"))
    known = {
        "inputs": f"Only frames are inputs: {config['num_frames']} of the window {config['window']} (seconds; sampling "
        f"{config['sampling']}), resized and normalized as for the pre-trained network.",
        "training": f"Recipe {config['recipe']}; all settings are in the configuration.",
        "selection": "The validation trials choose the epoch (lowest loss) and the threshold (highest balanced "
        "accuracy); the test trials choose nothing.",
        "clips": f"The probabilities of {config['test_clips']} clips per trial are averaged.",
        "code": f"socal-core {hardware['socal_core'] or facts['made']['socal_core']}, MIT.",
        "limits": " ".join(facts["limits"]),
    }
    if results and results["model"]:
        network = f"Network {config['model']}, " if config["recipe"] != Recipe.FROZEN else ""
        known["model"] = f"{network}{results['model']}."
    if model["weights"]:
        weights = model["weights"]
        known["start"] = f"Weights {weights['source']}, SHA-256 {weights['sha256'][:12]}…; seed {config['seed']}."
    if hardware["packages"]:
        versions = ", ".join(f"{name} {version}" for name, version in hardware["packages"].items())
        known["software"] = f"Python {hardware['python']}, {versions}."
    if config["target"] == "success":
        known["imbalance"] = "Both outcomes have the same total weight in the loss."
    return known


def _about_results(facts: Mapping[str, Any]) -> dict[str, str]:
    results = facts["results"]
    if results is None:
        return {}
    scores = [row for row in results["scores"] if row["value"] is not None]
    known = {
        "task": f"A model for {results['task'] or 'prediction'}, developed and tested on one data set.",
        "metrics": f"Scores: {', '.join(row['label'] for row in scores)}.",
        "performance": "; ".join(_score(row) for row in scores) + f"; {results['n']} test trials.",
        "test_size": f"{results['n']} test trials.",
    }
    with_interval = [row["label"] for row in scores if row["low"] is not None]
    if with_interval:
        known["uncertainty"] = f"95 % intervals of {', '.join(with_interval)}."
    if results["controls"]:
        known["controls"] = f"Compared with {', '.join(row['name'].lower() for row in results['controls'])}."
    if results["threshold"] is not None:
        known["output"] = f"A probability of success; a trial is predicted to succeed from {results['threshold']:.2f}."
    matrix = results["confusion_matrix"]
    if matrix:
        wrong = sum(map(sum, matrix)) - sum(row[index] for index, row in enumerate(matrix))
        known["failures"] = f"{wrong} of {results['n']} test trials are predicted wrongly."
    return known


def _score(row: Mapping[str, Any]) -> str:
    interval = "" if row["low"] is None else f" ({row['low']:.2f} to {row['high']:.2f})"
    return f"{row['label']} {row['value']:.2f}{interval}"
