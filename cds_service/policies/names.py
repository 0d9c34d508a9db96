"""Drug names as whole words: tokens, phrases, longest match."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MARKS = re.compile("[®™©℠]")
_HYPHENS = re.compile("[\u2010\u2011\u2012\u00ad]")
_BRACKETED_PREFIX = re.compile(r"[)\]]-")  # "(S)-ketamine" is one name
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*|\|")
SEPARATOR = " | "  # put between texts, it keeps a phrase from reaching over from one to the next


def words(text: str) -> list[str]:
    """Lower-case words without accents and trade marks; hyphenated words are one ("es-ketamine").

    So "infliximab-dyyb" never contains the word "infliximab".
    """
    if not text.isascii():
        text = _HYPHENS.sub("-", _MARKS.sub("", text))
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = text.lower()
    if ")-" in text or "]-" in text:
        text = _BRACKETED_PREFIX.sub("-", text)
    found: list[str] = _WORD.findall(text)
    return [word.replace("-", "") for word in found] if "-" in text else found


@dataclass(frozen=True, slots=True)
class Phrase:
    """A run of words that is a name of some products and a name that must not be taken for others."""

    words: tuple[str, ...]
    names: frozenset[str]  # product ids that the phrase names
    brands: frozenset[str]  # those of them whose brand it is
    not_names: frozenset[str]  # product ids that it must not be taken for
    shared: frozenset[str] = frozenset()  # product ids whose common substance it is; it names none of them


class PhraseIndex:
    """All phrases by first word; the longest at each place wins and uses up its words."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        by_first: dict[str, list[Phrase]] = {}
        for phrase in phrases:
            by_first.setdefault(phrase.words[0], []).append(phrase)
        self._by_first = {
            first: tuple(sorted(found, key=lambda phrase: -len(phrase.words)))
            for first, found in by_first.items()
        }

    def find(self, tokens: list[str]) -> Iterator[Phrase]:
        """Phrases in the tokens, from left to right, without overlaps."""
        by_first, free = self._by_first, 0
        for position, token in enumerate(tokens):
            if position >= free and token in by_first:
                for phrase in by_first[token]:
                    end = position + len(phrase.words)
                    if end == position + 1 or tuple(tokens[position:end]) == phrase.words:
                        yield phrase
                        free = end
                        break
