"""What a client may switch in one request: `davinci-crd.configuration` (CRD 2.2.1, dev-4 to dev-17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

COVERAGE_INFORMATION: Final = "coverage-info"
UNSOLICITED_DETERMINATION: Final = "unsolicited-determ"
MAXIMUM_CARDS: Final = "max-cards"
POLICY_CARDS: Final = "guideline"
LIMIT_CARDS: Final = "limits"
NETWORK_CARDS: Final = "network"
_TOPICS: Final = (POLICY_CARDS, LIMIT_CARDS, NETWORK_CARDS)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The choices of one request. `hidden` are topics whose cards stay out."""

    coverage_information: bool = True
    unsolicited_determination: bool = True
    max_cards: int | None = None
    hidden: frozenset[str] = frozenset()

    @classmethod
    def read(cls, given: object) -> Configuration:
        """Read a configuration; unknown codes, wrong types and nonsense count as not given."""
        if not isinstance(given, Mapping):
            return DEFAULT
        cards = given.get(MAXIMUM_CARDS)
        usable = isinstance(cards, int) and not isinstance(cards, bool) and cards >= 0
        return cls(
            coverage_information=given.get(COVERAGE_INFORMATION) is not False,
            unsolicited_determination=given.get(UNSOLICITED_DETERMINATION) is not False,
            max_cards=cards if usable else None,
            hidden=frozenset(topic for topic in _TOPICS if given.get(topic) is False),
        )


DEFAULT: Final = Configuration()
