"""The commands for operation on a server: `doctor`, `backup` and `restore`. They load no PyTorch."""

import argparse
import json
import sys
from dataclasses import asdict

from socal_core.access.audit import record
from socal_core.access.users import local_user
from socal_core.cli.arguments import print_line
from socal_core.maintenance.finding import Finding, Verdict
from socal_core.workspace import workspace

EXIT_ERROR = 1


def doctor(options: argparse.Namespace) -> int:
    """Check the installation and the workspace, and print one line per check."""
    from socal_core.maintenance.doctor import examine

    findings = examine()
    if options.json:
        print_line(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            print_line(_line(finding, width))
    return EXIT_ERROR if any(finding.verdict is Verdict.ERROR for finding in findings) else 0


def _line(finding: Finding, width: int) -> str:
    text = f"{finding.verdict:<8} {finding.check:<{width}}  {finding.found}"
    return f"{text}. {finding.advice}" if finding.advice else text


def backup(options: argparse.Namespace) -> int:
    """Write the workspace to an archive."""
    from socal_core.maintenance.backup import back_up

    done = back_up(workspace(), options.out)
    record(local_user().name, "back up the workspace", str(options.out))
    for line in done.left_out:
        sys.stderr.write(f"left out: {line}\n")
    size = sum(size for size, _ in done.files.values())
    print_line(f"{options.out}: {len(done.files):,} files, {size / 1e6:,.1f} MB.")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Restore an archive into an empty workspace."""
    from socal_core.maintenance.restore import restore as restored_to

    folder = options.workspace or workspace()
    count = restored_to(options.archive, folder)
    print_line(f"{folder}: {count:,} files.")
    return 0
