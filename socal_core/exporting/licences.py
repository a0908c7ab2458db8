"""What the licences of weights allow, and their names on the Hugging Face hub."""

from socal_core.runs.catalogue import CATALOGUE, NON_COMMERCIAL, known_model
from socal_core.runs.files.records import WeightsRecord

NO_DERIVATIVES = "CC BY-NC-ND 4.0"
HUB_NAMES = {
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
    NON_COMMERCIAL: "cc-by-nc-4.0",
    NO_DERIVATIVES: "cc-by-nc-nd-4.0",
}
"""The licences that allow sharing unchanged copies, NC ones without a commercial purpose, by their names on the hub."""


def licence_of(weights: WeightsRecord) -> str | None:
    """Return the licence of weights; None if it is not known."""
    if weights.licence is not None:
        return weights.licence
    known = known_model(weights.source)  # earlier versions did not record it
    return known.licence if known else None


def may_be_shared(weights: WeightsRecord) -> bool:
    """Return whether unchanged copies of weights may be shared, as far as it is known."""
    doubtful = any(model.name == weights.source and "licence" in model.unverified for model in CATALOGUE)
    return licence_of(weights) in HUB_NAMES and not doubtful
