"""Every error code is documented with its status and what to do, and docs/errors.md is current."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from cds_service.decisions.model import TECHNICAL_CODES
from cds_service.hooks.errors import ERROR_CODES, ErrorKind
from cds_service.web.error_guide import GUIDE, TECHNICAL_GUIDE, documentation

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "cds_service").rglob("*.py"))


def test_the_page_is_current() -> None:
    page = (ROOT / "docs/errors.md").read_text("utf-8")
    assert page == documentation(), "run: cds-service errors --write docs/errors.md"


def test_every_code_has_advice_and_no_advice_is_left_over() -> None:
    assert GUIDE.keys() == ERROR_CODES.keys()
    assert TECHNICAL_GUIDE.keys() == TECHNICAL_CODES.keys()


def test_every_code_in_the_sources_is_one_of_the_tables() -> None:
    found = {code for path in SOURCES for code in re.findall(r"CDS-\d{4}", path.read_text("utf-8"))}
    assert found == ERROR_CODES.keys() | TECHNICAL_CODES.keys()


def test_the_documented_kind_is_the_one_that_is_raised() -> None:
    raised = {(code, kind) for path in SOURCES for code, kind in kinds(ast.parse(path.read_text("utf-8")))}
    assert len(raised) > 10
    assert {(code, kind) for code, kind in raised if GUIDE[code][0] not in (kind, 404)} == set()


def kinds(tree: ast.AST) -> list[tuple[str, ErrorKind]]:
    """(code, kind) of each `RequestError(...)` whose code and kind are written out."""
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "RequestError" and node.args):
            continue
        code = node.args[0]
        named = [each.value for each in node.keywords if each.arg == "kind"] + node.args[3:4]
        if isinstance(code, ast.Constant):
            text = ast.unparse(named[0]) if named else "ErrorKind.INVALID"
            found.append((code.value, ErrorKind[text.rpartition(".")[2]]))
    return found
