"""`cds-service rules build`: CQL in, stamped ELM beside it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cds_service.authoring.build import build_rules, elm_path, render_elm, run_build, without_narrative
from cds_service.authoring.node_tools import PACKAGE_DIRECTORY, node_tools
from cds_service.cql.stamp import read_stamp

RULES = Path(__file__).parents[2] / "cql_like_rules"

COMMON = """\
library Ages version '1.0'
define function "Is of age"(age Integer): age >= 18
"""
CRITERIA = """\
library Example version '2024.1'

include Ages version '1.0' called Ages

/*
@cite: Section 3
@question: How old is the patient?
*/
define "Is an adult":
  Ages."Is of age"(40)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rule folder with one common library and one policy, built."""
    directory = tmp_path_factory.mktemp("rules")
    write(directory / "common" / "Ages.cql", COMMON)
    write(directory / "policies" / "example" / "2024-01-01" / "criteria.cql", CRITERIA)
    report = build_rules(directory)
    assert report.errors == ()
    return directory


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def criteria(directory: Path) -> Path:
    return directory / "policies" / "example" / "2024-01-01" / "criteria.cql"


def definitions(source: Path) -> dict[str, dict[str, object]]:
    elm = json.loads(elm_path(source).read_text("utf-8"))
    return {each["name"]: each for each in elm["library"]["statements"]["def"]}


def test_elm_stands_beside_its_source(built: Path) -> None:
    assert [path.relative_to(built).as_posix() for path in sorted(built.rglob("*.elm.json"))] == [
        "common/Ages.elm.json",
        "policies/example/2024-01-01/criteria.elm.json",
    ]


def test_tags_types_and_source_spans_reach_the_elm(built: Path) -> None:
    definition = definitions(criteria(built))["Is an adult"]
    tags = [tag for annotation in definition["annotation"] for tag in annotation["t"]]  # type: ignore[attr-defined]
    assert tags == [
        {"name": "cite", "value": "Section 3"},
        {"name": "question", "value": "How old is the patient?"},
    ]
    assert definition["resultTypeName"] == "{urn:hl7-org:elm-types:r1}Boolean"
    assert definition["locator"] == "9:1-10:22"


def test_a_second_build_changes_nothing(built: Path) -> None:
    assert build_rules(built).stale == ()
    assert run_build(SimpleNamespace(directory=built, check=True)) == 0


def test_elm_names_no_folder_of_the_machine(built: Path) -> None:
    assert str(built) not in elm_path(criteria(built)).read_text("utf-8")


def test_a_changed_include_makes_the_elm_of_both_stale(tmp_path: Path) -> None:
    common = write(tmp_path / "common" / "Ages.cql", COMMON)
    source = write(tmp_path / "policies" / "example" / "2024-01-01" / "criteria.cql", CRITERIA)
    build_rules(tmp_path)
    before = elm_path(source).read_text("utf-8")

    write(common, COMMON.replace("18", "21"))
    assert build_rules(tmp_path, check=True).stale == (elm_path(common), elm_path(source))
    assert run_build(SimpleNamespace(directory=tmp_path, check=True)) == 1
    assert elm_path(source).read_text("utf-8") == before, "a check writes nothing"

    build_rules(tmp_path)
    assert read_stamp(json.loads(elm_path(source).read_text("utf-8"))) != read_stamp(json.loads(before))


def test_an_error_names_file_line_and_message_and_writes_no_elm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "common" / "Broken.cql", "library Broken\n\ndefine Sum:\n  1 + Unknown\n")
    assert run_build(SimpleNamespace(directory=tmp_path, check=False)) == 1
    shown = capsys.readouterr().err
    assert f"{source}:4: error: Could not resolve identifier Unknown in the current library." in shown
    assert not elm_path(source).exists()


def test_a_missing_include_is_an_error_of_the_including_file(tmp_path: Path) -> None:
    source = write(tmp_path / "policies" / "example" / "2024-01-01" / "criteria.cql", CRITERIA)
    report = build_rules(tmp_path)
    assert next((error.path, error.line) for error in report.errors) == (source, 3)


def test_an_invalid_unit_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "common" / "Units.cql", "library Units\ndefine Weight: 70 'kilos'\n")
    assert next(error.message for error in build_rules(tmp_path).errors) == "kilos is not a valid UCUM code."


def test_an_empty_folder_has_nothing_to_build(tmp_path: Path) -> None:
    assert build_rules(tmp_path).libraries == ()


def test_rendered_elm_keeps_one_definition_per_line() -> None:
    elm = {"library": {"identifier": {"id": "A"}, "statements": {"def": [{"name": "B"}, {"name": "C"}]}}}
    text = render_elm(elm)
    assert json.loads(text) == elm
    assert '   {"name":"B"},\n   {"name":"C"}\n' in text


def test_source_text_and_empty_annotations_are_left_out_of_the_elm() -> None:
    narrative = {"type": "Annotation", "t": [], "s": {"r": "1"}}
    tagged = {"type": "Annotation", "t": [{"name": "cite", "value": "3"}], "s": {"r": "1"}}
    node = {"type": "Null", "annotation": [narrative], "operand": [{"annotation": [tagged], "signature": []}]}
    assert without_narrative(node) == {
        "type": "Null",
        "operand": [{"annotation": [{"type": "Annotation", "t": [{"name": "cite", "value": "3"}]}]}],
    }


def test_the_committed_elm_of_every_rule_is_current() -> None:
    report = build_rules(RULES, check=True)
    assert report.errors == ()
    assert report.stale == (), "run cds-service rules build"


def test_the_lock_of_the_tools_names_no_registry() -> None:
    assert '"resolved"' not in (PACKAGE_DIRECTORY / "package-lock.json").read_text("utf-8")


def test_tools_are_installed_once_and_found_again() -> None:
    folder = node_tools()
    assert (folder / "node_modules" / "@cqframework" / "cql").is_dir()
    assert node_tools(folder) == folder


# ---------------------------------------------------------------------------------------------- expansions


def with_prefix(directory: Path, prefix: str) -> Path:
    """A rule folder whose only value set has this prefix."""
    codes = f"codes:\n  - {{system: icd10cm, code: {prefix}, prefix: true, display: Prefix}}\n"
    write(directory / "catalog" / "value_sets" / "x.yaml", codes)
    return directory


def test_prefixes_are_expanded_to_the_codes_of_a_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, target = with_prefix(tmp_path, "J45.5"), tmp_path / "catalog" / "expansions" / "icd10cm.json"
    assert run_build(SimpleNamespace(directory=folder, check=True)) == 1
    assert not target.exists()
    assert run_build(SimpleNamespace(directory=folder, check=False)) == 0
    assert f"{target}: written" in capsys.readouterr().out
    written = json.loads(target.read_text("utf-8"))
    assert list(written["codes"]) == ["J45.5", "J45.50", "J45.51", "J45.52"]
    assert written["prefixes"] == ["J45.5"]
    assert run_build(SimpleNamespace(directory=folder, check=True)) == 0


def test_without_the_code_list_a_build_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.authoring.expansions.has_code_list", lambda: False)
    assert run_build(SimpleNamespace(directory=with_prefix(tmp_path, "J45.5"), check=False)) == 0
    assert "prefixes of value sets are not expanded" in capsys.readouterr().err
