"""What lies below the prefixes of the value sets, listed from a release of ICD-10-CM.

A rule engine elsewhere knows no prefixes: it looks a code up in an expansion. So each prefix is expanded when
rules are built, from the code list that CMS and NCHS publish (public domain), as the package
`simple-icd-10-cm` carries it. That package is needed here only. Without it a new prefix stays unexpanded, and
packages leave the expansion of its value set out.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any, Final

from cds_service.authoring.yaml_files import read_yaml
from cds_service.policies.value_sets import EXPANSIONS

PACKAGE: Final = "simple_icd_10_cm"
_NAME: Final = "simple-icd-10-cm"
_SYSTEM: Final = "icd10cm"


class NoCodeListError(Exception):
    """Prefixes have to be expanded and the package with the code list is not installed."""


def prefixes(directory: Path) -> list[str]:
    """The ICD-10-CM prefixes of all value sets of a rule folder, each once, sorted."""
    found = set()
    for file in sorted((directory / "catalog" / "value_sets").glob("*.yaml")):
        for entry in read_yaml(file).get("codes") or ():
            if entry.get("prefix") and entry.get("system") == _SYSTEM:
                found.add(str(entry["code"]))
    return sorted(found)


def uncovered(directory: Path) -> list[str]:
    """Prefixes of value sets that the expansions on file do not cover."""
    path = directory / EXPANSIONS
    listed = set(json.loads(path.read_text("utf-8"))["prefixes"]) if path.exists() else set()
    return [each for each in prefixes(directory) if each not in listed]


def has_code_list() -> bool:
    """Whether the package with the code list is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def render_expansions(wanted: list[str]) -> str:
    """The file for these prefixes, one code a line. Raises NoCodeListError."""
    if not has_code_list():
        raise NoCodeListError(f"prefixes of value sets are not expanded: {_NAME} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how the package reads its own data
        package: Any = importlib.import_module(PACKAGE)
    below = tuple(wanted)
    codes = {
        code: package.get_description(code)
        for code in package.get_all_codes(True)
        if code.startswith(below) and package.is_category_or_subcategory(code)
    }
    head = {
        "system": _SYSTEM,
        "release": _release(package),
        "source": (
            "ICD-10-CM tabular list (CMS and NCHS, public domain), as in the package "
            f"{_NAME} {importlib.metadata.version(_NAME)}"
        ),
        "prefixes": wanted,
    }
    lines = ",\n".join(
        f"    {json.dumps(code)}: {json.dumps(codes[code], ensure_ascii=False)}" for code in sorted(codes)
    )
    start = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    return f'{start},\n  "codes": {{\n{lines}\n  }}\n}}\n'


def write_expansions(directory: Path, *, check: bool = False) -> bool:
    """Bring the file up to date (with `check`: write nothing); whether it was not. Raises NoCodeListError."""
    wanted, path = prefixes(directory), directory / EXPANSIONS
    if not wanted:
        return False
    if path.exists() and json.loads(path.read_text("utf-8"))["prefixes"] == wanted:
        return False
    text = render_expansions(wanted)
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    return True


def _release(package: Any) -> str:
    """The release of the list, from the name of the data file: "April 2026"."""
    data = Path(package.__file__).parent / "data"
    name = next(path.stem for path in sorted(data.glob("code-list-*.txt")))
    return name.removeprefix("code-list-").replace("-", " ")
