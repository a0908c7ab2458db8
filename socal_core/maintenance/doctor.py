"""All checks of an installation and its workspace."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from socal_core.errors import SocalError
from socal_core.file_handles import os_reason
from socal_core.maintenance import machine_checks, workspace_checks
from socal_core.maintenance.finding import Finding, error
from socal_core.workspace import workspace

Check = Callable[[Path], Finding]
OF_THE_INSTALLATION: dict[str, Check] = {
    "versions": machine_checks.check_versions,
    "gpu": machine_checks.check_gpu,
    "hub": machine_checks.check_hub,
}
OF_THE_WORKSPACE: dict[str, Check] = {
    "disk": machine_checks.check_disk,
    "permissions": workspace_checks.check_permissions,
    "locks": workspace_checks.check_locks,
    "clock": machine_checks.check_clock,
    "server.toml": workspace_checks.check_server,
    "data folder": workspace_checks.check_data,
    "runs": workspace_checks.check_runs,
    "jobs": workspace_checks.check_jobs,
}


def examine() -> list[Finding]:
    """Carry out all checks; those of the workspace only if there is one."""
    nowhere = Path()
    findings = [_carried_out(name, check, nowhere) for name, check in OF_THE_INSTALLATION.items()]
    try:
        folder = workspace()
    except SocalError as problem:
        return [*findings, error("workspace", "there is none", str(problem))]
    return [*findings, *(_carried_out(name, check, folder) for name, check in OF_THE_WORKSPACE.items())]


def _carried_out(name: str, check: Check, folder: Path) -> Finding:
    """Carry out a check. What prevents it is its finding."""
    try:
        return check(folder)
    except SocalError as problem:
        found, _, advice = str(problem).rstrip(".").rpartition(". ")
        return error(name, found or advice, f"{advice}." if found else "")
    except PackageNotFoundError as problem:
        return error(name, f"the package {problem.name} is missing", "Install it with pip.")
    except OSError as problem:
        return error(name, f"this could not be checked: {os_reason(problem)}", "Allow it, and run it again.")
    except (ValueError, KeyError) as problem:
        return error(name, f"a file is damaged: {problem!r}", "Restore it from a backup, or delete it.")
