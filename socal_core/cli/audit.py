"""The command `audit`, which shows who did what."""

import argparse
import json
import sys
from dataclasses import asdict

from socal_core.access.audit import read_audit
from socal_core.cli.arguments import print_line
from socal_core.dataset.problems import printable


def audit(options: argparse.Namespace) -> int:
    """Show the audit log of the workspace, the oldest line first."""
    entries, unreadable = read_audit()
    if options.json:
        print_line(json.dumps([asdict(entry) for entry in entries], indent=2))
    else:
        for entry in entries:
            texts = (entry.user or "-", entry.action, entry.what, entry.result, entry.reason)
            print_line("  ".join([entry.time, *(printable(text) for text in texts if text)]))
    if unreadable:
        sys.stderr.write(f"warning: {unreadable} lines of the log cannot be read and are left out\n")
    return 0
