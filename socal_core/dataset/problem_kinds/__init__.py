"""The catalogue of the problems of data folders: one entry per code, one module per subject.

A reader reports a problem with `ProblemLog.add(kind, path, …)`. `docs/problems.md` is generated from this catalogue.
"""

from types import ModuleType

from socal_core.dataset.problem_kinds import (
    annotation_kinds,
    box_kinds,
    file_kinds,
    frame_kinds,
    matching_kinds,
    trial_kinds,
)
from socal_core.dataset.problem_kinds.kind import ProblemKind

SUBJECTS: dict[str, ModuleType] = {
    "Files": file_kinds,
    "Frames and videos": frame_kinds,
    "Trials and surgeons": trial_kinds,
    "Boxes": box_kinds,
    "Annotation formats": annotation_kinds,
    "Which trial and which frame": matching_kinds,
}


def kinds_of(subject: str) -> dict[str, ProblemKind]:
    """Return the kinds of a subject by the names of their constants, in the order of the module."""
    return {name: value for name, value in vars(SUBJECTS[subject]).items() if isinstance(value, ProblemKind)}


def all_kinds() -> list[ProblemKind]:
    """Return all kinds, in the order of SUBJECTS."""
    return [kind for subject in SUBJECTS for kind in kinds_of(subject).values()]
