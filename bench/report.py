"""How every benchmark says its figure: what it is, the target, and whether it holds."""

from __future__ import annotations


def figure(
    what: str, value: float, digits: int = 0, *, at_least: float | None = None, at_most: float | None = None
) -> str:
    """One line about a figure; targets are those of `docs/figures.md`. Give one of the two."""
    said = f"{what}: {value:,.{digits}f}"
    if at_least is not None:
        return f"{said} (target: at least {at_least:,g}; {'holds' if value >= at_least else 'MISSED'})"
    if at_most is not None:
        return f"{said} (target: at most {at_most:,g}; {'holds' if value <= at_most else 'MISSED'})"
    return said
