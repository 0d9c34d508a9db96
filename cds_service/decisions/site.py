"""What a site-of-care statement says about one order: where a drug is covered, not whether it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cds_service.decisions.finding import Finding
from cds_service.decisions.model import CriterionResult, CriterionStatus, Outcome, Reason, SiteAdvice
from cds_service.decisions.reasons import listed, why_false
from cds_service.decisions.tree import Values, evaluate
from cds_service.orders.model import CareSetting
from cds_service.policies.model import Connective, CriteriaNode, Criterion, PolicyVersion, Statement

NECESSITY_ELSEWHERE: Final = Reason(
    "Only the setting is decided here. Whether the drug is medically necessary, and whether prior "
    "authorization is needed for it, follows the drug's own policy, which is decided first and is not on "
    "file here."
)


def spoken_beside(outcome: Outcome, findings: Sequence[Finding]) -> list[Finding]:
    """Findings about the setting that stay to be said when the drug's own policy asks for documentation."""
    if outcome is not Outcome.DOCUMENTATION_NEEDED:
        return []
    return [each for each in findings if each.site is not None]


def site_finding(
    setting: CareSetting,
    version: PolicyVersion,
    statement: Statement,
    restricted: bool | None,
    excepted: bool | None,
    values: Values,
    results: Mapping[str, CriterionResult],
) -> Finding:
    """Decide the setting of one order.

    `restricted`: the setting is one that the statement restricts; `excepted`: one of its exceptions holds.
    An exception settles the matter wherever the drug is given; without one, an unknown setting stays unknown
    and nothing is asked for it (CRD: a site is never asked for by questionnaire when an order is signed).
    """
    criteria = tuple(results.values())
    settled = tuple([each.settled() for each in criteria])
    if excepted:
        met = [each.name for each in criteria if each.status is CriterionStatus.MET]
        reason = listed(
            "In keeping with the policy in any setting, since this holds", tuple(met), statement.cite
        )
        return Finding(version, statement, Outcome.COVERED, (reason,), settled, (), statement.notes)
    if restricted is False:
        where = f" ({setting.site_basis})" if setting.site_basis else ""
        reason = Reason(f"The setting is none that the policy restricts{where}", statement.cite)
        return Finding(version, statement, Outcome.COVERED, (reason,), settled, (), statement.notes)
    advice = SiteAdvice(
        lower_cost_settings=statement.lower_cost_settings,
        exceptions=_open_exceptions(statement.criteria, values),
        transition=statement.transition,
        cite=statement.cite,
    )
    named = tuple(each.name for each in statement.lower_cost_settings)
    elsewhere = listed(
        "Covered without an exception in these settings", named, statement.lower_cost_settings[0].cite
    )
    if restricted is None:
        unclear = setting.site_basis if setting.site_named else "the order does not name the place"
        open_still = Reason(f"Depends on where the drug is given ({unclear})", statement.cite)
        return Finding(
            version, statement, Outcome.SITE_UNKNOWN, (open_still, elsewhere), settled, site=advice
        )
    basis = f" ({setting.site_basis})" if setting.site_basis else ""
    reasons = [Reason(f"{statement.restricted_setting}{basis}", statement.cite)]
    if excepted is None:
        lead = "Not yet shown, where one of these keeps the setting"
        reasons.append(listed(lead, advice.exceptions, statement.cite))
    else:
        reasons += why_false(statement.criteria, values, results)
    reasons.append(elsewhere)
    if statement.transition is not None:
        reasons.append(Reason(statement.transition.text, statement.transition.cite))
    asks = tuple(each for each in criteria if each.status is CriterionStatus.UNKNOWN)
    return Finding(
        version,
        statement,
        Outcome.LOWER_COST_SITE,
        tuple(reasons),
        criteria,
        asks,
        statement.notes,
        site=advice,
    )


def _open_exceptions(node: CriteriaNode, values: Values) -> tuple[str, ...]:
    """The exceptions, as the document counts them, that the record does not rule out."""
    if isinstance(node, Criterion) or node.connective is not Connective.ANY:
        parts: tuple[CriteriaNode, ...] = (node,)
    else:
        parts = node.children
    return tuple(each.name for each in parts if each.name and evaluate(each, values) is not False)
