"""Problems of files of any content: encoding, size, header, rows."""

from socal_core.dataset.dataset import Severity
from socal_core.dataset.problem_kinds.kind import ProblemKind

UNREADABLE_FILE = ProblemKind(
    "unreadable-file",
    Severity.ERROR,
    "File cannot be read",
    "{path} cannot be read: {reason}. Nothing in it is used.",
    "Replace it or export it again.",
)
AMBIGUOUS_CASE = ProblemKind(
    "ambiguous-case",
    Severity.WARNING,
    "Several names that differ in case alone",
    "There is no {path}, and several names differ from it in upper and lower case alone: {names}. None is used.",
    "Rename the right one to {path}.",
)
OTHER_DATA_SET = ProblemKind(
    "other-data-set",
    Severity.WARNING,
    "File of another data set",
    "{path} belongs to {other}, and the folder is read as {preset}; the file is not used.",
    "Move it to a separate folder, together with its frames.",
)
COLUMN_OF_OTHER_DATA = ProblemKind(
    "column-of-other-data",
    Severity.WARNING,
    "Title given for a column that the data do not have",
    "A title was given for the column {column}, which {preset} does not have; it is ignored.",
    "Give titles for {known} only.",
)
EMPTY_FILE = ProblemKind(
    "empty-file",
    Severity.ERROR,
    "Empty file",
    "{path} is empty.",
    "Replace it with the complete file.",
)
FILE_TOO_LARGE = ProblemKind(
    "file-too-large",
    Severity.ERROR,
    "Table with too many lines or commas",
    "{path} has {lines:,} lines and {commas:,} commas; at most {most_lines:,} lines and {most_commas:,} commas are "
    "read. Nothing in it is used.",
    "Check that it is the right file.",
)
TOO_MUCH_MEMORY = ProblemKind(
    "too-much-memory",
    Severity.ERROR,
    "File needs too much memory",
    "{path} has {size:,} bytes and would need more than {limit:,} bytes of memory; it is not read.",
    "Split it by trial, or export it without masks.",
)
NOT_UTF_8 = ProblemKind(
    "not-utf-8",
    Severity.WARNING,
    "Text is not UTF-8",
    "{path} is not UTF-8 text, first in line {row}; it was read as {encoding}.",
    "Save it as UTF-8.",
)
NUL_BYTES = ProblemKind(
    "nul-bytes",
    Severity.WARNING,
    "Text with NUL bytes",
    "{path} has NUL bytes, first in line {row}; they are ignored.",
    "Save it as UTF-8 text.",
)
MISSING_COLUMN = ProblemKind(
    "missing-column",
    Severity.ERROR,
    "Required column is missing",
    "The header has no column {column}, and what needs it is not used. The header reads: {header}.",
    "Add the column or correct its title.",
)
MISSING_OPTIONAL_COLUMN = ProblemKind(
    "missing-optional-column",
    Severity.WARNING,
    "Optional column is missing",
    "The header has no column {column}, so its values are unknown. The header reads: {header}.",
    "Add the column or correct its title.",
)
DOUBLED_COLUMN = ProblemKind(
    "doubled-column",
    Severity.ERROR,
    "Required column is ambiguous",
    "The header has the column {column} more than once, and what needs it is not used.",
    "Keep one of them.",
)
DOUBLED_OPTIONAL_COLUMN = ProblemKind(
    "doubled-optional-column",
    Severity.WARNING,
    "Optional column is ambiguous",
    "The header has the column {column} {times} times, with different values, so its values are unknown.",
    "Keep one of them.",
)
REPEATED_COLUMN = ProblemKind(
    "repeated-column",
    Severity.WARNING,
    "Column repeated with the same values",
    "The header has the column {column} {times} times, with the same values; they are used.",
    "Keep one of them.",
)
WRONG_NUMBER_OF_FIELDS = ProblemKind(
    "wrong-number-of-fields",
    Severity.ERROR,
    "Row with a wrong number of fields",
    "The row has {fields} fields instead of {expected}; it is left out.",
    "Correct the row.",
)
MISSING_FIELDS = ProblemKind(
    "missing-fields",
    Severity.WARNING,
    "Row with too few fields",
    "The row has {fields} fields instead of {expected}; the missing values are unknown.",
    "Complete the row.",
)
TOO_MANY_ODD_ROWS = ProblemKind(
    "too-many-odd-rows",
    Severity.ERROR,
    "Too many rows with a wrong number of fields",
    "More than {limit:,} rows do not have {expected} fields; those from this one on are left out.",
    "Check that it is the right file.",
)
AMBIGUOUS_NUMBERS = ProblemKind(
    "ambiguous-numbers",
    Severity.WARNING,
    "Numbers with a comma or point of unknown meaning",
    "{path} has numbers (different ones: {count:,}), such as {example}, whose comma or point separates either "
    "thousands or decimals; they are not used.",
    "Save them with a decimal point and without separated thousands.",
)
BROKEN_QUOTES = ProblemKind(
    "broken-quotes",
    Severity.ERROR,
    "Quote is not closed",
    "A quote is opened and not closed; the row is left out.",
    "Close the quote or delete it.",
)
ROW_TOO_LONG = ProblemKind(
    "row-too-long",
    Severity.ERROR,
    "Row is too long",
    "The row has {length:,} characters, more than the {limit:,} that are read; it is left out.",
    "Correct the row.",
)
BROKEN_XML = ProblemKind(
    "broken-xml",
    Severity.ERROR,
    "XML is damaged or refused",
    "{path} cannot be read from line {row} on: {reason}. What comes before is used.",
    "Correct the file or export it again.",
)
OTHER_VERSION = ProblemKind(
    "other-version",
    Severity.WARNING,
    "Another version of a table",
    "{path} looks like another version of {table}, and is not read.",
    "Delete it, or save the right one as {table}, as CSV.",
)
OTHER_ANNOTATIONS = ProblemKind(
    "other-annotations",
    Severity.WARNING,
    "Annotations that are not read",
    "{path} looks like {tool}, which is not read, or not in this place.",
    "To have them read, {step}.",
)
