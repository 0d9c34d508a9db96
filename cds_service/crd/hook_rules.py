"""What an answer may say at which hook. The only place of `crd` that knows one hook from another.

Source: Da Vinci CRD 2.2.1 hook-19 and CRD 2.0.1 crd@167: secondary hooks never ask for clinical or
administrative documentation, since the order is not signed yet, or is long given. CDS Hooks, Propose
Alternate Request in CRD: what a card changes must stand in draftOrders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class HookRules:
    """`doc_needed`: codes of doc-needed that must not be sent; `alternatives`: cards may change the order."""

    doc_needed: frozenset[str] = frozenset()
    alternatives: bool = True


_SECONDARY: Final = frozenset({"clinical", "admin"})

HOOK_RULES: Final[Mapping[str, HookRules]] = MappingProxyType(
    {
        "order-sign": HookRules(),
        "order-dispatch": HookRules(alternatives=False),
        "appointment-book": HookRules(alternatives=False),
        "order-select": HookRules(doc_needed=_SECONDARY),
        "encounter-start": HookRules(doc_needed=_SECONDARY, alternatives=False),
        "encounter-discharge": HookRules(doc_needed=_SECONDARY, alternatives=False),
    }
)
