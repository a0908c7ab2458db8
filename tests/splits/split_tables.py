"""Small tables of trials to split."""

import pandas as pd


def table(outcomes: list[list[int]], surgeons: list[str] | None = None, first_number: int = 1) -> pd.DataFrame:
    """One surgeon per entry (100, 101, … unless named), one trial per outcome."""
    surgeons = surgeons or [str(100 + number) for number in range(len(outcomes))]
    rows = [
        (f"S{surgeon}T{number}", surgeon, success)
        for surgeon, successes in zip(surgeons, outcomes, strict=True)
        for number, success in enumerate(successes, start=first_number)
    ]
    trials = pd.DataFrame(rows, columns=["trial_id", "participant_id", "success"]).set_index("trial_id")
    return trials.astype({"success": "Int64"})
