"""Translate the CQL of `fixtures/` again: `python -m tests.cql.build_fixtures`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cds_service.authoring.translation import Source, translate

FIXTURES = Path(__file__).parent / "fixtures"
COMMON = Path(__file__).parents[2] / "cql_like_rules" / "common"


def build() -> bool:
    """Write the ELM of every fixture beside its source; False when the translator reports an error."""
    sources = [Source(path, path.read_text(), (FIXTURES, COMMON)) for path in sorted(FIXTURES.glob("*.cql"))]
    ok = True
    for translation in translate(sources).translations:
        for problem in translation.problems:
            print(problem, file=sys.stderr)
        ok = ok and translation.ok
        if translation.elm is not None:
            target = translation.source.path.with_suffix(".elm.json")
            target.write_text(json.dumps(translation.elm, separators=(",", ":")) + "\n")
    return ok


if __name__ == "__main__":
    sys.exit(0 if build() else 1)
