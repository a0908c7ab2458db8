"""Surgeon ids that a spreadsheet changed to numbers: 007 becomes 7, which must not become a second surgeon."""

import pandas as pd

from socal_core.dataset.problem_kinds import trial_kinds
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.tables import to_numbers


def without_zeros(ids: pd.Series) -> pd.Series:
    """Remove leading zeros from ids of digits; other ids are returned unchanged."""
    return ids.str.replace(r"^0+(?=[0-9]+$)", "", regex=True)


def restore_zeros(
    given: pd.Series, from_trial: pd.Series, trial_ids: pd.Series, path: str, log: ProblemLog
) -> pd.Series:
    """Spell surgeons as in their trial ids if both are the same number, as 7, 007 and 7.00E+00 are.

    Args:
        given: The column participant_id, NA if empty; indexed by line.
        from_trial: The surgeon in each trial id, NA if there is none.
        trial_ids: The trial ids.
        path: The file of the column, for problems.
        log: Receives a problem for each row whose spelling is replaced.

    Returns:
        The column with these spellings replaced.
    """
    lost = given.notna() & from_trial.notna() & (given != from_trial)
    lost &= (without_zeros(given) == without_zeros(from_trial)) | (to_numbers(given) == to_numbers(from_trial))
    rows = pd.DataFrame({"participant_id": given, "surgeon": from_trial, "trial_id": trial_ids})[lost.fillna(False)]
    log.add_rows(trial_kinds.LOST_ZEROS, path, rows)
    return given.mask(lost.fillna(False).astype(bool), from_trial)


def merge_spellings(surgeons: pd.Series, path: str, log: ProblemLog) -> pd.Series:
    """Replace spellings that differ only in leading zeros by the longest of them.

    They may be two surgeons. Treated as one, they stay in the same subset of a split, which is safe in both cases.

    Args:
        surgeons: The surgeon of each trial, NA if unknown.
        path: The file of the outcomes, for problems.
        log: Receives a problem for each surgeon with several spellings.

    Returns:
        The surgeons, each with one spelling.
    """
    spellings = pd.DataFrame({"own": surgeons.dropna().unique()}, dtype="str")
    spellings = spellings.assign(key=without_zeros(spellings["own"]), length=spellings["own"].str.len())
    chosen = spellings.sort_values("length").drop_duplicates("key", keep="last").set_index("key")["own"]
    doubled = spellings[spellings.duplicated("key", keep=False)]
    for key, group in doubled.groupby("key"):
        text = ", ".join(sorted(group["own"]))
        log.add(trial_kinds.AMBIGUOUS_SURGEON, path, spellings=text, surgeon=chosen[str(key)])
    if doubled.empty:
        return surgeons
    return surgeons.map(dict(zip(doubled["own"], chosen.loc[doubled["key"]], strict=True))).fillna(surgeons)


def match_demographics(demographics: pd.DataFrame, surgeons: pd.Series, path: str, log: ProblemLog) -> pd.DataFrame:
    """Spell the surgeons of the demographics as in the trials if the two differ only in leading zeros.

    Args:
        demographics: Indexed by participant_id.
        surgeons: The surgeon of each trial.
        path: The file of the demographics, for problems.
        log: Receives a problem for each surgeon whose spelling is replaced.

    Returns:
        The demographics, without surgeons whose spellings have different rows.
    """
    known = pd.Series(surgeons.dropna().unique(), dtype="str")
    spelling = dict(zip(without_zeros(known), known, strict=True))
    own = pd.Series(demographics.index, dtype="str")
    keys = without_zeros(own)
    new = keys.map(spelling).fillna(own)
    changed = sorted(set(new[new != own]))
    if not changed:
        return demographics
    table = demographics.set_axis(pd.Index(new, name=demographics.index.name), axis="index")
    distinct = table.reset_index().drop_duplicates()
    names = distinct[distinct.columns[0]]
    unclear = set(names[names.duplicated(keep=False)])
    for surgeon in changed:
        spelled = ", ".join(sorted(own[(new == surgeon).to_numpy()]))
        kind = trial_kinds.AMBIGUOUS_DEMOGRAPHICS if surgeon in unclear else trial_kinds.LOST_ZEROS_OF_SURGEON
        log.add(kind, path, surgeon=surgeon, spellings=spelled)
    return distinct[~names.isin(unclear)].set_index(str(distinct.columns[0]))
