"""The result of a run in a sentence: whether its model is better than the best control on the same test trials."""

from socal_core.evaluation.best_control import best_control
from socal_core.evaluation.compare import Verdict
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.runs.files.metrics_record import Metrics, ScoresAndControls

OPENINGS = {
    Verdict.ABOVE: "The model is better than its best control",
    Verdict.NOT_SHOWN: "The model is not shown to be better than its best control",
    Verdict.BELOW: "The model is worse than its best control",
}


def verdict_of(metrics: Metrics) -> Verdict:
    """Return whether the interval of the difference shows that the model is better than its best control."""
    control = best_control(metrics)
    return Verdict(control.verdict or Verdict.NOT_SHOWN) if control else Verdict.NOT_SHOWN


def summary(metrics: Metrics) -> str:
    """Say whether the model is better than its best control, on how many trials of how many surgeons."""
    control, trials = best_control(metrics), tested_text(metrics)
    if metrics["auroc"] is None:
        return f"The model cannot be compared with its controls: {trials} all have the same outcome."
    if control is None or control.difference is None:
        return f"The model was not compared with its controls by the version that evaluated it, on {trials}."
    low, high = control.interval or (None, None)
    between = TOO_FEW if low is None else f"95 % interval {low:+.2f} to {high:+.2f}"
    return (
        f"{OPENINGS[verdict_of(metrics)]} ({control.name}): AUROC {metrics['auroc']:.2f} against "
        f"{control.value:.2f}, difference {control.difference:+.2f} ({between}), on the same {trials}."
    )


def tested_text(metrics: ScoresAndControls) -> str:
    """Return the number of test trials and of their surgeons in words, such as `20 test trials of 10 surgeons`."""
    unknown = sum(not trial["participant_id"] for trial in metrics["trials"])
    known = len({trial["participant_id"] for trial in metrics["trials"]} - {""})
    trials = f"{metrics['n']} test {'trial' if metrics['n'] == 1 else 'trials'}"
    surgeons = f"{known} {'surgeon' if known == 1 else 'surgeons'}"
    if not unknown:
        return f"{trials} of {surgeons}"
    return f"{trials} of {surgeons} and {unknown} unknown ones" if known else f"{trials} of unknown surgeons"
