"""Problems of the outcomes and the demographics of trials and surgeons."""

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

NO_OUTCOMES_FILE = ProblemKind(
    "no-outcomes-file",
    Severity.ERROR,
    "No outcomes",
    "There is no {path}, so no outcome is known and no trial can be used for training.",
    "Put the file into the data folder.",
)
NO_DEMOGRAPHICS_FILE = ProblemKind(
    "no-demographics-file",
    Severity.INFO,
    "No demographics",
    "There is no {path}; nothing is known about the surgeons.",
    "",
)
BAD_TRIAL_ID = ProblemKind(
    "bad-trial-id",
    Severity.ERROR,
    "Invalid trial id",
    "Trial id {trial_id} is not of the form {form}; the row is not used.",
    "Correct the trial id.",
)
BAD_SUCCESS = ProblemKind(
    "bad-success",
    Severity.ERROR,
    "Invalid outcome",
    "{column} must be {expected} or NA, got {value}; the outcome is unknown.",
    "Correct the value.",
)
SUCCESS_CODES = ProblemKind(
    "success-codes",
    Severity.ERROR,
    "Outcomes in an unknown code",
    "{column} must be {expected} or NA, and this column holds {values}: which of them means success is not certain. "
    "All outcomes are unknown.",
    "Write {success} for success and {failure} for failure.",
)
BAD_VALUE = ProblemKind(
    "bad-value",
    Severity.WARNING,
    "Invalid value",
    "{column} must be {expected} or NA, got {value}; it is unknown.",
    "Correct the value.",
)
PARTICIPANT_CONTRADICTS_TRIAL = ProblemKind(
    "participant-contradicts-trial",
    Severity.WARNING,
    "Surgeon in the column and in the trial id differ",
    "participant_id {participant_id} does not fit trial {trial_id}; surgeon {participant_id} is used.",
    "Correct one of the two.",
)
DOUBLED_TRIAL = ProblemKind(
    "doubled-trial",
    Severity.ERROR,
    "Contradicting rows for a trial",
    "Trial {trial_id} is in row {first} already, with other values; the values that differ count as unknown.",
    "Delete the wrong row.",
)
REPEATED_TRIAL = ProblemKind(
    "repeated-trial",
    Severity.WARNING,
    "Equal rows for a trial",
    "Trial {trial_id} is in row {first} already, with the same values.",
    "Delete one of the two rows.",
)
TRIAL_WITHOUT_OUTCOME = ProblemKind(
    "trial-without-outcome",
    Severity.WARNING,
    "Trial without a row",
    "Trial {trial_id} has frames and no row in {path}; it can be viewed, but not used for training.",
    "Add the row.",
)
UNKNOWN_SUCCESS = ProblemKind(
    "unknown-success",
    Severity.WARNING,
    "Trial with unknown outcome",
    "Trial {trial_id} has frames and no known success; it can be viewed, but not used for training.",
    "Fill in success if it is known.",
)
OUTCOME_WITHOUT_FRAMES = ProblemKind(
    "outcome-without-frames",
    Severity.INFO,
    "Outcome without frames",
    "Trial {trial_id} has an outcome and no frames; it is not used.",
    "",
)
LOST_ZEROS = ProblemKind(
    "lost-zeros",
    Severity.WARNING,
    "Surgeon without leading zeros",
    "participant_id {participant_id} of trial {trial_id} is read as surgeon {surgeon}, as in the trial id: "
    "spreadsheets drop leading zeros.",
    "Write {surgeon}, in a column that is saved as text.",
)
LOST_ZEROS_OF_SURGEON = ProblemKind(
    "lost-zeros-of-surgeon",
    Severity.WARNING,
    "Surgeon with other leading zeros",
    "participant_id {spellings} is read as surgeon {surgeon}, as the trials spell it: spreadsheets drop leading zeros.",
    "Write {surgeon}, in a column that is saved as text.",
)
AMBIGUOUS_SURGEON = ProblemKind(
    "ambiguous-surgeon",
    Severity.WARNING,
    "Surgeons that differ in leading zeros alone",
    "Surgeons {spellings} differ in leading zeros alone. They are taken as one surgeon ({surgeon}), so that no split "
    "separates them.",
    "Spell them alike, in participant_id and trial ids, or give one of them another number if they are two surgeons.",
)
AMBIGUOUS_DEMOGRAPHICS = ProblemKind(
    "ambiguous-demographics",
    Severity.WARNING,
    "Different rows for one surgeon",
    "{path} has different rows for {spellings}, which differ in leading zeros alone; nothing is known about surgeon "
    "{surgeon}.",
    "Delete or correct the wrong row.",
)
NO_PARTICIPANT = ProblemKind(
    "no-participant",
    Severity.WARNING,
    "Row without a surgeon",
    "The row has no participant_id; it is not used.",
    "Fill in participant_id.",
)
DOUBLED_SURGEON = ProblemKind(
    "doubled-surgeon",
    Severity.WARNING,
    "Second row for a surgeon",
    "Surgeon {participant_id} is in {path} already; values that differ between its rows are not used.",
    "Delete one of the rows.",
)
