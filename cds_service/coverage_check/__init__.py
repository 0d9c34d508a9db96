"""The one call that every door runs: from an order as it came to the decision about it (design section 3)."""

from cds_service.coverage_check.check import CoverageCheck

__all__ = ["CoverageCheck"]
