"""Known vulnerabilities in what the lock files name: a clear verdict, also where nobody can be asked.

    python .ci/audit.py [--allow-unreachable]

Exit status 0: all were looked up and nothing is known. 1: vulnerabilities, or a lock file that cannot be
read. 3: at least one package could not be looked up, and no vulnerability is known of the others; with
--allow-unreachable that is told and forgiven, for build machines that reach a package index without its
advisories. pip-audit alone says "No known vulnerabilities found" there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PYTHON_LOCKS = ("requirements.lock", "requirements-dev.lock")
NODE_PROJECT = ROOT / "cds_service" / "authoring" / "node"
PATIENCE = 300  # seconds for each of the two questions
_NO_ANSWER = ("requests.exceptions.", "Could not connect", "vulnerability feed", "ServiceError")


class Verdict(NamedTuple):
    """What came of one question. `unknown` are packages that were not looked up, with the reason."""

    source: str
    looked_up: int = 0
    vulnerable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    broken: str = ""


def python_verdict(status: int, output: str, errors: str) -> Verdict:
    """Read what `pip-audit --format json` said; `status` is its exit status."""
    source = ", ".join(PYTHON_LOCKS)
    try:
        listed = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = next((line for line in reversed(errors.splitlines()) if line.strip()), f"status {status}")
        if any(sign in errors for sign in _NO_ANSWER):
            return Verdict(source, unknown=(f"all packages: {_short(last)}",))
        return Verdict(source, broken=_short(last))
    vulnerable = tuple(
        f"{each['name']} {each['version']}: {vuln['id']}, fixed in {vuln['fix_versions'] or 'no version'}"
        for each in listed
        for vuln in each.get("vulns", ())
    )
    skipped = [each for each in listed if "skip_reason" in each]
    unknown = tuple(f"{each['name']}: {_short(each['skip_reason'])}" for each in skipped)
    if not listed:
        return Verdict(source, broken="pip-audit saw no package at all")
    return Verdict(source, len(listed) - len(unknown), vulnerable, unknown)


def node_verdict(output: str, errors: str) -> Verdict:
    """Read what `npm audit --json` said."""
    source = "package-lock.json"
    try:
        said: dict[str, Any] = json.loads(output)
    except ValueError:
        said = {"message": errors}
    if "vulnerabilities" not in said:
        return Verdict(source, unknown=(f"all packages: {_short(str(said.get('message') or said))}",))
    vulnerable = tuple(f"{name}: {each['severity']}" for name, each in said["vulnerabilities"].items())
    count = said.get("metadata", {}).get("dependencies", {}).get("total", 0)
    return Verdict(source, count, vulnerable)


def report(verdicts: Iterable[Verdict], *, allow_unreachable: bool) -> tuple[int, str]:
    """The exit status, and what to print."""
    lines = []
    status = 0
    for each in verdicts:
        lines.append(f"{each.source}: {each.looked_up} packages looked up")
        lines += [f"  VULNERABLE {name}" for name in each.vulnerable]
        if each.broken:
            lines.append(f"  FAILED {each.broken}")
        if each.unknown:
            lines.append(f"  NOT LOOKED UP {len(each.unknown)}, among them {each.unknown[0]}")
        if each.vulnerable or each.broken:
            status = 1
        elif each.unknown and status == 0:
            status = 3
    if status == 3:
        lines.append("Advisories could not be asked for: this run says nothing about those packages.")
        if allow_unreachable:
            lines.append("Forgiven here (--allow-unreachable). Run `make audit` where they can be reached.")
            status = 0
    return status, "\n".join(lines)


def _short(text: str) -> str:
    return " ".join(text.split())[:160]


def _run(*command: str, folder: Path = ROOT) -> tuple[int, str, str]:
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", f"Could not connect: {type(error).__name__}"
    return done.returncode, done.stdout, done.stderr


def main() -> int:
    """Ask about both kinds of package and print the verdict."""
    locks = [part for lock in PYTHON_LOCKS for part in ("-r", lock)]
    pip_audit = (sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json")
    asked = _run(*pip_audit, "--progress-spinner", "off", *locks)
    node = _run("npm", "audit", "--json", "--package-lock-only", folder=NODE_PROJECT)
    status, text = report(
        (python_verdict(*asked), node_verdict(*node[1:])),
        allow_unreachable="--allow-unreachable" in sys.argv[1:],
    )
    sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
