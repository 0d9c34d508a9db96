"""One decided order, with everything that its answer says in any CRD version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cds_service.crd.hook_rules import HOOK_RULES, HookRules
from cds_service.decisions.digest import Identifiers
from cds_service.decisions.model import Determination
from cds_service.orders.model import MemberCoverage
from cds_service.policies.model import Payer


@dataclass(frozen=True, slots=True)
class NetworkSite:
    """A lower-cost place in the payer's network; `reference` names the client's Organization, if any."""

    name: str
    setting: str
    contact: str | None = None
    reference: str | None = None


class CoverageAssertion(NamedTuple):
    """What is asserted about one order for one coverage.

    `resource` is the order as received; `satisfied` says that the answer itself gives the authorization,
    whose number is then `identifiers.authorization_number`; `rules` are those of the hook that asks.
    `dependencies` are references of other orders that this one is of use with only. `questionnaires` are the
    canonicals, with version, of the forms that ask for the documentation needed.
    """

    resource: Mapping[str, Any]
    determination: Determination
    coverage: MemberCoverage
    payer: Payer
    identifiers: Identifiers
    satisfied: bool = False
    network_sites: tuple[NetworkSite, ...] = ()
    rules: HookRules = HOOK_RULES["order-sign"]
    dependencies: tuple[str, ...] = ()
    questionnaires: tuple[str, ...] = ()
