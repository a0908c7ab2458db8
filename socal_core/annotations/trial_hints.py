"""Find the trial that an annotation file names: by its name, its folder, its task or its recording."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from socal_core.annotations.rows import KnownFrames
from socal_core.dataset.frame_lookup import trial_of_word
from socal_core.dataset.problem_kinds import matching_kinds
from socal_core.dataset.problems import ProblemLog, printable

_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class TrialHint:
    """The trial that a file names."""

    trial: str = ""
    """The trial, "" if the file names none."""
    part: str = ""
    """The letter of the part of the recording, "" for all of it."""
    text: str = ""
    """The text that names the trial."""

    @property
    def title(self) -> str:
        """The trial, or its part, as messages name it."""
        return f"part {self.part} of {self.trial}" if self.part else self.trial


def find_hint(texts: Iterable[str], path: str, known: KnownFrames, log: ProblemLog, count: int) -> TrialHint | None:
    """Find the one trial that these texts name.

    Args:
        texts: Names of the recording, the task and the file; folders in front of a name are ignored.
        path: The file, for problems.
        known: The frames. A trial without frames cannot be used.
        log: Receives the problem.
        count: The number of boxes that would be lost.

    Returns:
        The trial, or an empty hint if none is named; None, with a problem, if the trial cannot be used.
    """
    hints: dict[tuple[str, str], TrialHint] = {}
    for text in texts:
        named = _trials_in(text, known)
        if len(named) == 1:
            trial, part = named.pop()
            hints.setdefault((trial, part), TrialHint(trial, part, printable(text)))
    hints = _without_vague(hints)
    shown = printable(", ".join(hint.text for hint in hints.values()))
    if len(hints) > 1:
        log.add(matching_kinds.SEVERAL_TRIALS_NAMED, path, count=max(1, count), said=shown)
        return None
    hint = next(iter(hints.values()), TrialHint())
    if hint.trial and not len(known.rows_of(hint.trial, hint.part)):
        log.add(matching_kinds.OTHER_TRIAL, path, count=max(1, count), named=hint.title, said=shown)
        return None
    return hint


def _trials_in(text: str, known: KnownFrames) -> set[tuple[str, str]]:
    own = text.replace("\\", "/").rpartition("/")[2]
    trials = frozenset(known.trial_ids)
    for name in (own, own.rpartition(".")[0]):
        if name in trials:
            return {(name, "")}
    return {named for word in _WORD.findall(own) if (named := trial_of_word(word, trials, known.preset))[0]}


def _without_vague(hints: dict[tuple[str, str], TrialHint]) -> dict[tuple[str, str], TrialHint]:
    """Leave out a whole trial if a part of it is named, too."""
    parts = {trial for trial, part in hints if part}
    return {key: hint for key, hint in hints.items() if key[1] or key[0] not in parts}
