"""What a golden case demands, laid beside what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from cds_service.authoring.cases import Expectation
from cds_service.decisions.model import Determination


def differences(expect: Expectation, found: Determination) -> list[str]:
    """One sentence per demand that is not fulfilled; empty when the case holds."""
    return [
        *_outcome(expect, found),
        *_criteria(expect, found),
        *_asks(expect, found),
        *_limits(expect, found),
        *_words(expect, found),
    ]


def _outcome(expect: Expectation, found: Determination) -> Iterator[str]:
    if expect.outcome != found.outcome.value:
        yield _differs("outcome", expect.outcome, found.outcome.value)
    if expect.not_addressed is not None:
        name = found.not_addressed.name if found.not_addressed else None
        if name != expect.not_addressed:
            yield _differs("not_addressed", expect.not_addressed, name)
    if expect.version is not None:
        versions = sorted({each.version for each in found.policies})
        if versions != [expect.version]:
            yield _differs("version", expect.version, ", ".join(versions) or None)


def _criteria(expect: Expectation, found: Determination) -> Iterator[str]:
    by_name = {each.name: each for each in found.criteria}
    for name, status in expect.criteria.items():
        result = by_name.get(name)
        if result is None:
            yield f"criterion {name!r}: the decision has no such criterion; it has {_names(by_name)}"
        elif result.status.value != status:
            why = f" ({result.why})" if result.why else ""
            yield _differs(f"criterion {name!r}", status, result.status.value) + why


def _asks(expect: Expectation, found: Determination) -> Iterator[str]:
    if expect.asks is None:
        return
    asked = tuple(each.name for each in found.asks)
    if asked != expect.asks:
        yield _differs("asks", _names(expect.asks), _names(asked))


def _limits(expect: Expectation, found: Determination) -> Iterator[str]:
    if "months" in expect.limits:
        months = _months(found.allowed_from, found.allowed_to)
        if months != expect.limits["months"]:
            yield _differs("limits.months", expect.limits["months"], months)
    if "hours" in expect.limits:
        hours = found.allowed_quantity.per_hours if found.allowed_quantity else None
        if hours != expect.limits["hours"]:
            yield _differs("limits.hours", expect.limits["hours"], hours)
    if "quantity" in expect.limits:
        amount = found.allowed_quantity.amount if found.allowed_quantity else None
        if amount != expect.limits["quantity"]:
            yield _differs("limits.quantity", expect.limits["quantity"], amount)


def _words(expect: Expectation, found: Determination) -> Iterator[str]:
    if expect.identified_by is not None:
        by = found.identified_by.value if found.identified_by else None
        if by != expect.identified_by:
            yield _differs("identified_by", expect.identified_by, by)
    if expect.reason is not None:
        texts = [each.text for each in found.reasons]
        if not any(expect.reason.casefold() in text.casefold() for text in texts):
            yield f"reason: expected {expect.reason!r} in one of {_names(texts)}"


def _months(start: date | None, end: date | None) -> int | None:
    """Whole months of a period whose last day is included; a day too many or few gives None."""
    if start is None or end is None:
        return None
    after = end + timedelta(days=1)
    months = (after.year - start.year) * 12 + after.month - start.month
    return months if after.day == start.day or (after.day == 1 and start.day > 28) else None


def _differs(what: str, expected: object, found: object) -> str:
    return f"{what}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


def _names(names: object) -> str:
    listed = ", ".join(repr(str(name)) for name in names) if isinstance(names, list | tuple | dict) else ""
    return f"[{listed}]"
