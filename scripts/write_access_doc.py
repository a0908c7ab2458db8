"""Write docs/access.md from the table of actions: `python -m scripts.write_access_doc [FILE]`."""

import sys
from pathlib import Path

from socal_core.access.permissions import RULES, Action
from socal_core.access.server_config import Role

PAGE = Path(__file__).resolve().parents[1] / "docs" / "access.md"
INTRODUCTION = """# Who may do what

Without a `server.toml` in the workspace, as on a laptop, none of this applies: the user may do everything and open any
folder, and there are no quotas. With a login ([Server](server.md)), each visitor has one of three roles.
This page is generated from `socal_core/access/permissions.py`: edit that file or the script, then run
`python -m scripts.write_access_doc`.

## Roles

```toml
login = "proxy"
default_role = "viewer"      # of users not listed below; without it, they have no access

[roles]
"anna@example.org" = "admin"
"ben@example.org" = "researcher"
```

A changed role takes effect at the next click, also on pages that are already open. *own* in the table is
what the user has started. A run names its owner in `owner.json`; runs without that file, such as those of earlier
versions, have no owner, so only admins can act on them. Without a login, all visitors are the same admin.
"""
REST = """
Buttons that a user may not press are disabled, and their help says who may. The function behind a button asks again.
Roles apply to visitors of the app. A user with an account on the server and write access to the workspace can do all of
this on the command line. Visitors can copy what a page shows.

Frames, downloads and uploads need a role too. Without one, the server answers 403 (401 with an identity provider).
Viewers get 403 for uploads. `/health` needs no login.

## Data roots

```toml
data_roots = ["/data/socal", "/data/sospine"]
```

With `data_roots`, only folders below them can be opened: as the data folder, as new material and as a live folder, as
the place of a download, and as the folder of a model (or a checkpoint of a run). Links are resolved first, so neither
`..` nor a link leads out, and a message does not tell whether something outside exists. Fields for folders become a
choice of the folders below the roots. Roots are absolute paths. Without `data_roots`, every user, viewers included, can
open every folder that the account of the server can read, so set them on a server.

Each user has an own last data folder and own choices of boxes and columns. *Read the folder again* is for the session
that asks for it.

## Quotas

```toml
[quotas]
queued_runs_per_user = 3     # runs of a user that wait or are active
runs_gb = 200                # all runs with the trash
cache_gb = 50                # the clip cache
upload_mb = 300              # one upload
```

A start that exceeds a quota is refused with the limit, the use and what to do; runs are never deleted for it. The clip
cache removes what was used least recently, and never what is in use; `SOCAL_CACHE_GB` can only lower its quota. Runs
that the command line starts are not refused, though they count.

## Audit log

`audit.jsonl` in the workspace has one JSON object per line: `time` (UTC), `user`, `action`, `what` (such as the name of
a run), `result` (`done`, `refused` or `failed`) and `reason`. Every action of the table is recorded, whether it was
done in the app or by a command that starts, stops, replaces or exports. Lines are only ever appended; texts are data,
cut to 500 characters. A file of 10 MB gets a number (`audit.1.jsonl`) and stays: remove old ones yourself if your rules
ask for it. If the log cannot be written, the line goes to the log of the server, and the action is not kept back: a
full disk must not keep an admin from freeing it.

Admins see the log on the *Administration* page, which the menu has for them. `socal audit [--json]` prints it.

## Privacy

What the app, its commands and its workers create can be read by their own account alone (umask 077): folders have mode
0700 and files 0600. A workspace of an earlier version keeps its modes: `chmod -R go= WORKSPACE`.

*Pseudonymize*, beside the downloads of tables, replaces the ids of trials, surgeons and frames, and leaves notes, text
from frames and evidence out. A pseudonym is made from the id and a secret key (HMAC-SHA-256), so it is the same in
every table of a workspace. Key and pseudonyms are in `pseudonyms.json` in the workspace, which only its owner can read;
without a backup of it, later tables get other pseudonyms. `socal inspect DATA --frames OUT.csv --pseudonymize` does the
same. Run cards (`socal card RUN card.html --pseudonymize`) and the CVAT file of a trial contain pseudonyms as well; a
run card still gives the names of the run and of the data folder. Pseudonymized files are still personal data for those
who have the key, and a rare outcome or an exact time can identify a person as well.

Above each download, the page says whether the frames of the data set contain text, such as a name, or that they were
not checked for it.

CSV that people download has no cell that a spreadsheet program takes for a formula: such a text begins with an
apostrophe. Files that the app reads again, such as `predictions.csv` in the folder of a run, are as they are.
"""
_HEADING = "| may … | " + " | ".join(Role) + " |"


def page() -> str:
    """Return the page as Markdown."""
    rows = [_HEADING, "|---|" + "---|" * len(Role), *(_row(action) for action in Action)]
    return "\n".join([INTRODUCTION, *rows, REST])


def _row(action: Action) -> str:
    rule, roles = RULES[action], list(Role)
    cells = ["yes" if roles.index(role) >= roles.index(rule.least) else "–" for role in roles]
    if rule.own:
        cells = ["own" if role is Role.RESEARCHER else cell for role, cell in zip(roles, cells, strict=True)]
    return f"| {rule.about} | {' | '.join(cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
