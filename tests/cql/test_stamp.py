"""The stamp that ties ELM to its sources."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.cql.stamp import (
    StaleElmError,
    collect_sources,
    included_libraries,
    library_name,
    read_stamp,
    source_hash,
    verify,
    write_stamp,
)

SOURCES = {
    "Policy": "library Policy version '1'\ninclude Common version '1' called C\ndefine A: C.B\n",
    "Common": "library Common version '1'\ninclude Base version '1'\ndefine B: Base.X\n",
    "Base": "library Base version '1'\ndefine X: true\n",
}


def elm(stamp: str | None, translator: str = "5.3.0") -> dict[str, Any]:
    info = {"type": "CqlToElmInfo", "translatorVersion": translator}
    document: dict[str, Any] = {"library": {"identifier": {"id": "Policy"}, "annotation": [info]}}
    if stamp is not None:
        write_stamp(document, stamp)
    return document


def test_the_sources_of_a_library_are_all_that_it_includes() -> None:
    assert collect_sources(SOURCES["Policy"], SOURCES.get) == SOURCES


def test_a_library_may_be_reached_twice_or_include_itself_in_a_circle() -> None:
    circle = {"A": "library A\ninclude B\n", "B": "library B\ninclude A\n"}
    assert collect_sources(circle["A"], circle.get) == circle


def test_a_missing_include_is_named() -> None:
    with pytest.raises(StaleElmError, match="library Common, which Policy includes, is missing"):
        collect_sources(SOURCES["Policy"], lambda name: None)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("include Common version '1' called C", ("Common",)),
        ("include \"Order facts\" version '1'\n  include B", ("Order facts", "B")),
        ("// include A\n/* include B\ninclude C */ define X: 'include D\ninclude E'", ()),
        ('define "it\'s // not": 1\ninclude A', ("A",)),
    ],
)
def test_includes_are_read_from_code_alone(text: str, names: tuple[str, ...]) -> None:
    assert included_libraries(text) == names


def test_the_name_of_a_library_is_the_one_it_declares() -> None:
    assert library_name("/* library No */\nlibrary Yes version '2'") == "Yes"
    assert library_name("define A: 1") is None


def test_an_elm_with_the_stamp_of_its_sources_is_accepted() -> None:
    stamped = elm(source_hash(SOURCES, "5.3.0"))
    verify(stamped, SOURCES)
    assert read_stamp(stamped) == source_hash(SOURCES, "5.3.0")


@pytest.mark.parametrize("name", SOURCES)
def test_a_change_in_any_source_makes_the_elm_stale(name: str) -> None:
    stamped = elm(source_hash(SOURCES, "5.3.0"))
    with pytest.raises(StaleElmError, match="older than its CQL"):
        verify(stamped, SOURCES | {name: SOURCES[name] + " "})


def test_another_translator_makes_another_stamp() -> None:
    assert source_hash(SOURCES, "5.3.0") != source_hash(SOURCES, "5.4.0")


def test_line_endings_do_not_matter() -> None:
    windows = {name: text.replace("\n", "\r\n") for name, text in SOURCES.items()}
    assert source_hash(windows, "5.3.0") == source_hash(SOURCES, "5.3.0")


def test_text_cannot_move_from_one_library_to_another_unnoticed() -> None:
    assert source_hash({"A": "xB", "C": "y"}, "1") != source_hash({"A": "x", "BC": "y"}, "1")


def test_elm_without_a_stamp_is_refused() -> None:
    with pytest.raises(StaleElmError, match="carries no stamp"):
        verify(elm(None), SOURCES)
