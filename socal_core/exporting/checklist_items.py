"""The subjects of TRIPOD+AI and of CLAIM, in words of our own, and what a run knows about each.

The published checklists say in full what an item asks for.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One item of a checklist."""

    number: str
    section: str
    subject: str
    keys: tuple[str, ...] = ()
    """The answers that a run can give (checklists.py)."""
    rest: str = ""
    """What a person has to add; "" if the answers of the run are enough."""


@dataclass(frozen=True)
class Checklist:
    """A published checklist."""

    name: str
    source: str
    items: tuple[Item, ...]


def _items(section: str, *rows: tuple[str, str, str, str]) -> tuple[Item, ...]:
    """Return the items of a section, from (number, subject, keys, rest)."""
    return tuple(Item(number, section, subject, tuple(keys.split()), rest) for number, subject, keys, rest in rows)


TRIPOD_AI = Checklist(
    "TRIPOD+AI",
    "Collins et al., BMJ 2024;385:e078378, doi 10.1136/bmj-2023-078378",
    (
        *_items(
            "Front matter",
            ("1", "Title: model, outcome and population", "task", "Write the title."),
            ("2", "Abstract", "", "Write it by TRIPOD+AI for Abstracts."),
        ),
        *_items(
            "Introduction",
            ("3", "Background, intended use, users, inequalities", "", "Describe them."),
            ("4", "Objectives", "", "State them."),
        ),
        *_items(
            "Methods",
            ("5", "Sources and dates of the data", "data", "Add the dates of recording and why these data suit."),
            ("6", "Participants: setting, criteria, treatment", "eligibility", "Add setting and centres."),
            ("7", "Preparation of the data", "inputs", ""),
            ("8", "Outcome and its assessment", "outcome", "Add who assessed it, and what they knew."),
            ("9", "Predictors", "inputs", ""),
            ("10", "Sample size", "test_size", "Justify it."),
            ("11", "Missing data", "missing_data", ""),
            ("12", "Analysis: model, tuning, performance measures", "model training selection metrics controls", ""),
            ("13", "Class imbalance", "imbalance", ""),
            ("14", "Fairness", "", "Describe what was done, such as scores by group of surgeons."),
            ("15", "Output of the model and thresholds", "output", ""),
            ("16", "Differences between training and test data", "split disjoint", ""),
            ("17", "Ethics approval", "", "Name the approval, or why none was needed."),
        ),
        *_items(
            "Open science",
            (
                "18",
                "Funding, interests, protocol, registration, data and code",
                "data code",
                "Add funding, interests, protocol and registration.",
            ),
            ("19", "Involvement of patients and the public", "", "Describe it, or say that there was none."),
        ),
        *_items(
            "Results",
            ("20", "Flow and characteristics of participants", "by_subset", "Add characteristics of the surgeons."),
            ("21", "Numbers in development and evaluation", "by_subset", ""),
            ("22", "Full model, so that others can use it", "model code", "Say where the exported model can be had."),
            ("23", "Performance with intervals", "performance", ""),
            ("24", "Updating of the model", "", "Describe it if the model was updated."),
        ),
        *_items(
            "Discussion",
            ("25", "Interpretation, fairness, earlier studies", "", "Discuss them."),
            ("26", "Limitations", "limits", "Add those of the study."),
            ("27", "Usability: poor input, required skills, next steps", "", "Discuss it."),
        ),
    ),
)

CLAIM = Checklist(
    "CLAIM",
    "Mongan et al., Radiol Artif Intell 2020;2(2):e200029, doi 10.1148/ryai.2020200029 (42 items)",
    (
        *_items(
            "Front matter",
            ("1", "Title or abstract names the kind of AI", "task", "Write the title."),
            ("2", "Structured abstract", "", "Write it."),
        ),
        *_items(
            "Introduction",
            ("3", "Background and intended use", "", "Describe them."),
            ("4", "Objectives and hypotheses", "", "State them."),
        ),
        *_items(
            "Methods: design and data",
            ("5", "Prospective or retrospective", "", "State it."),
            ("6", "Goal of the study", "task", "Say whether it explores, tests feasibility or compares."),
            ("7", "Sources of the data", "data", ""),
            ("8", "Criteria for inclusion", "eligibility", "Add those by which the data were recorded."),
            ("9", "Preprocessing", "inputs", ""),
            ("10", "Selected parts of the data", "inputs eligibility", ""),
            ("11", "Definitions of data elements", "outcome", ""),
            ("12", "De-identification", "", "Describe it."),
            ("13", "Missing data", "missing_data", ""),
        ),
        *_items(
            "Methods: reference standard",
            ("14", "Definition of the true outcome", "outcome", ""),
            ("15", "Why this definition", "", "Give the reason."),
            ("16", "Who determined it", "", "Name their qualification."),
            ("17", "Tools of annotation", "", "Name them."),
            ("18", "Variability between raters", "", "State it, and how disagreement was resolved."),
        ),
        *_items(
            "Methods: partitions",
            ("19", "Intended sample size", "test_size", "Justify it."),
            ("20", "Assignment to partitions", "split", ""),
            ("21", "Level at which partitions are disjoint", "disjoint", ""),
        ),
        *_items(
            "Methods: model and training",
            ("22", "Description of the model", "model inputs", ""),
            ("23", "Software", "code software", ""),
            ("24", "Initial weights", "start", ""),
            ("25", "Training", "training imbalance", ""),
            ("26", "Choice of the final model", "selection", ""),
            ("27", "Ensembles", "clips", ""),
        ),
        *_items(
            "Methods: evaluation",
            ("28", "Metrics", "metrics", ""),
            ("29", "Uncertainty and significance", "uncertainty", ""),
            ("30", "Robustness", "controls", "Add analyses of robustness, such as other windows and seeds."),
            ("31", "Explanation of predictions", "", "Describe it, if it was examined."),
            ("32", "Test on external data", "", "Report it, or name its absence as a limitation."),
        ),
        *_items(
            "Results",
            ("33", "Flow of participants", "eligibility split", ""),
            ("34", "Characteristics in each partition", "by_subset", "Add characteristics of the surgeons."),
            ("35", "Performance on all partitions", "performance", "predictions.csv has the other partitions."),
            ("36", "Estimates with their precision", "performance", ""),
            ("37", "Analysis of wrong predictions", "failures", "Look at them in the trial viewer, and describe them."),
        ),
        *_items(
            "Discussion and other information",
            ("38", "Limitations", "limits", "Add those of the study."),
            ("39", "Implications for practice", "", "Discuss them."),
            ("40", "Registration", "", "Name it, or say that there is none."),
            ("41", "Full protocol", "", "Say where it is."),
            ("42", "Funding", "", "Name sources and their role."),
        ),
    ),
)
CHECKLISTS = (TRIPOD_AI, CLAIM)
