"""`rules start` and `rules new`: a rule folder of one's own, and the skeleton of a policy version in it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import Any, TextIO

from cds_service.authoring.findings import Content
from cds_service.authoring.yaml_files import read_yaml
from cds_service.policies.errors import CatalogueError

UNDATED = "undated"
_SKELETON = Path(__file__).with_name("skeleton")
_SHARED = ("catalog", "common")


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What the author says about the version; `start` is None for a document without a date."""

    policy: str
    payer: str
    start: date | None
    number: str | None = None
    title: str | None = None
    product: str | None = None

    @property
    def version(self) -> str:
        """The name of the version's folder."""
        return UNDATED if self.start is None else self.start.isoformat()


def run_start(directory: Path, shipped: Path, out: TextIO) -> int:
    """`cds-service rules start FOLDER`: catalogue and shared definitions; 1 when they are there already."""
    present = [name for name in _SHARED if (directory / name).exists()]
    if present:
        out.write(f"ERROR {directory / present[0]} is there already\n")
        return 1
    for name in _SHARED:
        shutil.copytree(shipped / name, directory / name)
    (directory / "policies").mkdir(exist_ok=True)
    out.write(f"{directory}: catalogue and shared definitions are there. From here on: ")
    out.write(f"export CDS_POLICIES_DIR={directory}\n")
    return 0


def run_new(directory: Path, wanted: NewPolicy, out: TextIO) -> int:
    """`cds-service rules new POLICY --payer ID --from DATE`: exit code 0 when it was written, else 1."""
    try:
        written = write_skeleton(directory, wanted)
    except (CatalogueError, ValueError) as error:
        out.write(f"ERROR {error}\n")
        return 1
    for path in written:
        out.write(f"{path}: written\n")
    out.write(
        "Next: cds-service rules build, rules check, rules test; then make it say what the document says\n"
    )
    return 0


def write_skeleton(directory: Path, wanted: NewPolicy) -> list[Path]:
    """Write policy.yaml, criteria.cql and cases.yaml of a version.

    Raises ValueError, in words for the author, when the id is no id, the version is there already, payer or
    product is not in the catalogue, or an earlier version is still in force.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", wanted.policy):
        raise ValueError(
            f"{wanted.policy!r}: an id has lower-case letters, digits and hyphens, such as acme-12"
        )
    content = Content.read(directory)
    if wanted.payer not in content.ids("catalog/payers.yaml", "payers"):
        known = ", ".join(sorted(content.ids("catalog/payers.yaml", "payers")))
        raise ValueError(f"no payer {wanted.payer!r} in catalog/payers.yaml ({known}): add it there first")
    folder = directory / "policies" / wanted.policy / wanted.version
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    siblings = [name for name, _ in content.policies() if name.split("/")[1] == wanted.policy]
    _check_siblings(directory, siblings, wanted)
    words = _words(content, wanted, _product(content, wanted))
    folder.mkdir(parents=True)
    cases = _filled("cases.yaml", words)
    if wanted.start is not None and not siblings:
        cases += _filled("before.yaml", words)
    texts = {
        "policy.yaml": _filled("policy.yaml", words),
        "criteria.cql": _filled("criteria.cql", words),
        "cases.yaml": cases,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    return [folder / name for name in texts]


def _check_siblings(directory: Path, siblings: list[str], wanted: NewPolicy) -> None:
    for name in siblings:
        effective = read_yaml(directory / name).get("effective") or {}
        end = effective.get("to")
        start = str(effective.get("from") or "")
        if wanted.start is None or (start < wanted.version and (end is None or str(end) >= wanted.version)):
            day = f"; let it end on {wanted.start - timedelta(days=1)} (effective.to)" if wanted.start else ""
            raise ValueError(f"{name} is in force at that time{day}")


def _product(content: Content, wanted: NewPolicy) -> dict[str, Any]:
    """The product of the statement: the one asked for, else one that no policy of the payer decides."""
    products = {str(each.get("id")): each for each in _products(content)}
    if wanted.product is not None:
        if wanted.product not in products:
            raise ValueError(f"no product {wanted.product!r} in catalog/drugs.yaml: add it there first")
        return products[wanted.product]
    taken = {
        str(named)
        for name, policy in content.policies()
        if policy.get("payer") == wanted.payer
        for statement in content.entries(name, "statements")
        for key in ("products", "unassigned_codes", "billing_codes")
        for named in statement.get(key) or ()
    }
    for identity, product in products.items():
        billed = {str(each.get("code")) for each in product.get("billing_codes") or ()}
        if identity not in taken and not billed & taken:
            return product
    raise ValueError(
        "every product of the catalogue is decided by the payer's policies: name one with --product"
    )


def _products(content: Content) -> list[dict[str, Any]]:
    names = [each for each in content.files if re.match(r"catalog/drugs(/|\.yaml$)", each)]
    return [each for name in names for each in content.entries(name, "products") if "id" in each]


def _words(content: Content, wanted: NewPolicy, product: dict[str, Any]) -> dict[str, str]:
    (payer,) = [e for e in content.entries("catalog/payers.yaml", "payers") if e.get("id") == wanted.payer]
    number = wanted.number or wanted.policy.rpartition("-")[2]
    title = wanted.title or f"Title of policy {number}"
    brand = str(product["brand"])
    first = wanted.start or date.today()
    day = _ordinary(first)
    adult = day.replace(year=day.year - 18)
    dated = f", effective {first}" if wanted.start else ""
    conclusion = f"{brand} is medically necessary".replace('"', "'")
    library = "".join(part.capitalize() for part in wanted.policy.split("-"))
    digits = wanted.version.replace("-", "") if wanted.start else UNDATED.capitalize()
    return {
        "policy": wanted.policy,
        "number": json.dumps(number),
        "title": json.dumps(title, ensure_ascii=False),
        "payer": wanted.payer,
        "start": wanted.version if wanted.start else "null",
        "document": json.dumps(f"{payer['label']} policy {number}, {title}{dated}", ensure_ascii=False),
        "product": str(product["id"]),
        "drug": json.dumps(f"{brand} ({product['generic']})", ensure_ascii=False),
        "conclusion": json.dumps(conclusion, ensure_ascii=False),
        "conclusion_name": conclusion,
        "not_covered": json.dumps(f"Any other use of {brand} is not covered.", ensure_ascii=False),
        "library": f"{'' if library[0].isalpha() else 'Policy'}{library}Version{digits}",
        "library_version": f"{first.year}.{first.month}.{first.day}" if wanted.start else "1.0.0",
        "day": day.isoformat(),
        "before": (first - timedelta(days=1)).isoformat(),
        "adult": adult.isoformat(),
        "minor": (adult + timedelta(days=1)).isoformat(),
    }


def _ordinary(day: date) -> date:
    """The day, or the one after it on 29 February: birthdays and whole years are plain then."""
    return day + timedelta(days=1) if (day.month, day.day) == (2, 29) else day


def _filled(name: str, words: dict[str, str]) -> str:
    return Template((_SKELETON / name).read_text("utf-8")).substitute(words)
