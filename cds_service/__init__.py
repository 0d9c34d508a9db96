"""A payer's coverage answer at order time: CDS Hooks and Da Vinci CRD, decided by dated policies."""

from typing import Final

__version__: Final = "0.1.0"
