"""The words of the cards, on a page: the same text, without their Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.crd.card_parts import DISCLAIMER, bullets
from cds_service.crd.markdown import escape
from cds_service.web.form_words import Item, Part, parts, plain


def test_headings_lists_and_paragraphs_come_apart() -> None:
    detail = "\n\n".join(
        (
            "Applies to the order for **Macrilen** (MedicationRequest/mr-1).",
            bullets("Why", ["Not yet shown, where one is enough:\n  - this\n  - that", "Met: 24.5 kg/m2"]),
            bullets("What to do", ["Nothing more."]),
            DISCLAIMER,
        )
    )
    assert parts({"detail": detail}) == [
        Part(paragraph="Applies to the order for Macrilen (MedicationRequest/mr-1)."),
        Part("Why", [Item("Not yet shown, where one is enough:", ["this", "that"]), Item("Met: 24.5 kg/m2")]),
        Part("What to do", [Item("Nothing more.")]),
    ]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "**bold** [x](http://x.org)", "1. first", "a_b | c"]
)
def test_what_was_escaped_for_markdown_reads_as_it_was(text: str) -> None:
    assert plain(escape(text)) == text


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60))
def test_any_text_reads_as_it_was(text: str) -> None:
    words = parts({"detail": bullets("Why", [escape(text)])})
    assert words == [Part("Why", [Item(text)])]
