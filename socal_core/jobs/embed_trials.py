"""The job that computes the features of a run's trials, from which the Evaluation page finds similar trials."""

from pathlib import Path
from typing import Any

from socal_core.evaluation.frame_embedding import embed_trials_of
from socal_core.jobs.harness import Report, main, path_shown_as
from socal_core.runs.folder import RunFolder


def embed(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Compute the features of all trials of a run's data set, and store them in the clip cache.

    Args:
        request: `run`, the folder of the run.
        report: Receives the number of embedded clips.

    Returns:
        `notes`, a list of texts for the user.
    """
    path = Path(request["run"])
    with path_shown_as(path, path.name):
        notes = embed_trials_of(RunFolder.open(path), lambda stage, done, total: report.count(done, total))
    return {"notes": list(notes)}


if __name__ == "__main__":
    main(embed)
