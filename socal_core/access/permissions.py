"""What a user may do: one table of actions, and the functions that ask it.

The table applies to visitors of the app: with an account on the server, all of this is possible on the command line.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from socal_core.access.server_config import Role
from socal_core.access.users import User
from socal_core.errors import AccessError


class Action(StrEnum):
    """What a user can do in the app. The values are the names in the audit log."""

    OPEN_DATA = "open data"
    READ_DATA = "read data otherwise"
    GENERATE_DEMO = "generate demo"
    DOWNLOAD_DATA = "download data"
    CHECK_DATA = "check data"
    JUDGE_BOXES = "judge boxes"
    CHANGE_VIEWS = "change views"
    CHANGE_EVENTS = "change events"
    UPLOAD = "upload"
    PREDICT = "predict new material"
    START_RUN = "start run"
    DUPLICATE_RUN = "duplicate run"
    COMPUTE = "compute results"
    EXPORT = "export table"
    EXPORT_CARD = "export run card"
    EXPORT_MODEL = "export model"
    FILL_CACHE = "fill cache"
    STOP_RUN = "stop run"
    RESUME_RUN = "resume run"
    ORDER_QUEUE = "order queue"
    EDIT_RUN = "edit waiting run"
    NOTE_RUN = "note run"
    NOTE_TRIAL = "note trial of run"
    DELETE_RUN = "delete run"
    RESTORE_RUN = "restore run"
    EMPTY_TRASH = "empty trash"
    STOP_JOB = "stop job"
    CLEAR_CACHE = "clear cache"
    SEE_AUDIT = "see audit log"


@dataclass(frozen=True)
class Rule:
    """Who may carry out an action."""

    least: Role
    """The least role."""
    about: str
    """The action in the words of the pages, as the end of "may …"."""
    own: bool = False
    """Whether a researcher may do it only to what the researcher has started."""


_VIEWER, _RESEARCHER, _ADMIN = Role
RULES = {
    Action.OPEN_DATA: Rule(_VIEWER, "open a data folder or a folder of new material"),
    Action.READ_DATA: Rule(_VIEWER, "choose boxes and columns, and read a folder again"),
    Action.GENERATE_DEMO: Rule(_RESEARCHER, "generate the demo"),
    Action.DOWNLOAD_DATA: Rule(_RESEARCHER, "download data to the server"),
    Action.CHECK_DATA: Rule(_RESEARCHER, "check frames, look for text, footage and numberings"),
    Action.JUDGE_BOXES: Rule(_RESEARCHER, "say whether boxes look right"),
    Action.CHANGE_VIEWS: Rule(_RESEARCHER, "save, rename and delete views"),
    Action.CHANGE_EVENTS: Rule(_RESEARCHER, "mark, import and delete events of trials"),
    Action.UPLOAD: Rule(_RESEARCHER, "upload new material"),
    Action.PREDICT: Rule(_RESEARCHER, "predict new material, and follow a growing folder"),
    Action.START_RUN: Rule(_RESEARCHER, "start runs, cross-validations and controls, and train a run further"),
    Action.DUPLICATE_RUN: Rule(_RESEARCHER, "copy the settings of a run"),
    Action.COMPUTE: Rule(_RESEARCHER, "compute features, explanations, predictions over time and previews"),
    Action.EXPORT: Rule(_RESEARCHER, "download tables, boxes and events"),
    Action.EXPORT_CARD: Rule(_RESEARCHER, "download run cards"),
    Action.EXPORT_MODEL: Rule(_RESEARCHER, "see the command that exports a model"),
    Action.FILL_CACHE: Rule(_RESEARCHER, "fill the clip cache"),
    Action.STOP_RUN: Rule(_RESEARCHER, "stop runs", own=True),
    Action.RESUME_RUN: Rule(_RESEARCHER, "resume runs", own=True),
    Action.ORDER_QUEUE: Rule(_RESEARCHER, "move runs in the queue", own=True),
    Action.EDIT_RUN: Rule(_RESEARCHER, "edit waiting runs", own=True),
    Action.NOTE_RUN: Rule(_RESEARCHER, "give runs names, notes and tags", own=True),
    Action.NOTE_TRIAL: Rule(_RESEARCHER, "write notes on trials of runs", own=True),
    Action.DELETE_RUN: Rule(_RESEARCHER, "delete runs", own=True),
    Action.RESTORE_RUN: Rule(_RESEARCHER, "restore runs from the trash", own=True),
    Action.EMPTY_TRASH: Rule(_RESEARCHER, "remove runs from the trash", own=True),
    Action.STOP_JOB: Rule(_RESEARCHER, "stop computations", own=True),
    Action.CLEAR_CACHE: Rule(_ADMIN, "remove frames and features from the clip cache"),
    Action.SEE_AUDIT: Rule(_ADMIN, "see who did what"),
}
"""The rule of each action. docs/access.md is generated from it."""


class Owned(Protocol):
    """What a user has started, such as a run or a job."""

    def read_owner(self) -> str | None:
        """Return the name of the user who started it; None if it has no owner."""


def may(user: User | None, action: Action, target: Owned | None = None) -> bool:
    """Return whether a user may carry out an action.

    Args:
        user: The user; None may do nothing.
        action: The action.
        target: What it is done to. What has no owner, and a missing target, is left to admins where `RULES` says
            that researchers may act only on their own.
    """
    if user is None:
        return False
    rule, roles = RULES[action], list(Role)
    if roles.index(user.role) < roles.index(rule.least):
        return False
    return not rule.own or user.role is Role.ADMIN or (target is not None and target.read_owner() == user.name)


def check_may(user: User | None, action: Action, target: Owned | None = None) -> User:
    """Return the user if the user may carry out an action.

    Raises:
        AccessError: The user may not. The message says who may.
    """
    if user is not None and may(user, action, target):
        return user
    raise AccessError(why_not(user, action))


def why_not(user: User | None, action: Action) -> str:
    """Return why a user who may not carry out an action may not, and what to do."""
    rule = RULES[action]
    if user is None:
        return "You may no longer use this app. Ask its administrator for a role, and reload the page."
    if rule.own and user.role is not Role.VIEWER:
        return f"Only who started it and admins may {rule.about}. Ask one of them."
    return (
        f"Your role is {user.role}, and it takes the role {rule.least} to {rule.about}. Ask the administrator for it."
    )
