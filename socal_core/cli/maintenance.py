"""The commands for operation on a server: `doctor`, `backup` and `restore`. They load no PyTorch."""

import argparse
import json
from dataclasses import asdict

from socal_core.cli.arguments import print_line
from socal_core.maintenance.finding import Finding, Verdict

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
