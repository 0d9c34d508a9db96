"""What a search set or an OperationOutcome says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def has_error(outcome: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome reports an error, and not only information."""
    issues = outcome.get("issue")
    return isinstance(issues, list) and any(
        isinstance(issue, dict) and issue.get("severity") in ("error", "fatal") for issue in issues
    )


def has_next_page(bundle: Mapping[str, Any]) -> bool:
    """Whether a Bundle is one page of more (FHIR R4, search, paging)."""
    links = bundle.get("link")
    return isinstance(links, list) and any(
        isinstance(link, dict) and link.get("relation") == "next" for link in links
    )


def counts_matches(bundle: Mapping[str, Any]) -> bool:
    """Whether a Bundle says that there are matches."""
    total = bundle.get("total")
    return isinstance(total, int) and total > 0
