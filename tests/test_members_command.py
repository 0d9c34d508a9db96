"""`members import`: what a file may say, how its faults are told, and the answers over HTTP afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service import cli
from cds_service.app import create_app
from cds_service.settings import Settings

HEADER = "payer,member_id,name,birth_date,plan,line_of_business,effective_from,effective_to,exclusions"
LINE = 'cigna,W900123456,"Example, Ada",1990-01-01,Open Access Plus,,2020-01-01,,'
EXAMPLE = Path(__file__).parents[1] / "fhir_examples/covered-macrilen-2024.json"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    address = f"sqlite:///{tmp_path}/members.sqlite3"
    monkeypatch.setenv("CDS_DATABASE_URL", address)
    return address


def imported(tmp_path: Path, *lines: str, options: tuple[str, ...] = (), encoding: str = "utf-8") -> int:
    file = tmp_path / "members.csv"
    file.write_text("\n".join(lines) + "\n", encoding)
    return cli.main(["members", "import", str(file), *options])


def changed(**cells: str) -> str:
    """The good line with other cells."""
    values = dict(zip(HEADER.split(","), LINE.replace('"Example, Ada"', "Ada").split(","), strict=True))
    return ",".join((values | cells).values())


def test_counts_are_all_that_is_told(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert imported(tmp_path, HEADER, LINE, "", changed(member_id="W2", exclusions="J1745; macrilen")) == 0
    assert capsys.readouterr().out == "members: 2 lines written, 0 lines replaced\n"
    assert imported(tmp_path, HEADER, LINE) == 0
    assert capsys.readouterr().out == "members: 1 lines written, 1 lines replaced\n"
    assert imported(tmp_path, HEADER, LINE, options=("--mode", "replace-all")) == 0
    told = capsys.readouterr()
    assert told.out == "members: 1 lines written, 2 lines replaced\n"
    assert "Ada" not in told.err + caplog.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_from_a_spreadsheet_may_start_with_a_byte_order_mark(
    url: str, tmp_path: Path, encoding: str
) -> None:
    assert imported(tmp_path, HEADER, changed(name="Zoë Ünal"), encoding=encoding) == 0


def test_columns_may_stand_in_any_order_and_optional_ones_may_be_missing(url: str, tmp_path: Path) -> None:
    header = "plan,effective_from,birth_date,name,member_id,payer"
    assert imported(tmp_path, header, "Gold,2024-01-01,1980-05-17,Ada,W1,cigna") == 0


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"payer": "acme"}, "line 3, column payer: expected one of "),
        ({"member_id": ""}, "line 3, column member_id: is empty"),
        ({"member_id": "W" * 129}, "line 3, column member_id: is too long"),
        ({"name": "A\x00B"}, "line 3, column name: is too long, or holds characters"),
        ({"birth_date": "05/17/1980"}, "line 3, column birth_date: expected a date"),
        ({"birth_date": "2999-01-01"}, "line 3, column birth_date: is in the future"),
        ({"effective_from": "2024-02-30"}, "line 3, column effective_from: expected a date"),
        ({"effective_from": "20240101"}, "line 3, column effective_from: expected a date"),
        ({"effective_to": "2019-12-31"}, "line 3, column effective_to: is before effective_from"),
        ({"payer": "excellus", "line_of_business": "x"}, "line 3, column line_of_business: expected one of"),
        ({"exclusions": "remicaid"}, "line 3, column exclusions: expected ids of products"),
        ({"plan": "Gold,Silver"}, "line 3: has 10 columns, the first line has 9"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column_and_nothing_is_imported(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], cells: dict[str, str], told: str
) -> None:
    assert imported(tmp_path, HEADER, LINE, changed(**cells), changed(member_id="W7", plan="")) == 2
    text = capsys.readouterr().err
    assert told in text
    assert "line 4, column plan: is empty" in text
    assert not (tmp_path / "members.sqlite3").exists()


def test_lines_are_counted_as_an_editor_shows_them(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = changed(name='"Ada\nExample"')
    assert imported(tmp_path, HEADER, long, changed(plan="")) == 2
    text = capsys.readouterr().err
    assert "line 2, column name" in text
    assert "line 4, column plan" in text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no member"),
        (HEADER.encode() + b"\n", "holds no member"),
        (b"member,name\nW1,Ada\n", "line 1: the columns payer, member_id"),
        (HEADER.encode() + b",phone\n", "line 1: the columns may be"),
        (HEADER.encode() + b",plan\n", "line 1: the columns may be"),
        (f"{HEADER}\n{LINE}\n".replace("Ada", "Zoë").encode("latin-1"), "is not UTF-8"),
        (HEADER.encode() + b'\ncigna,"W1', "line 2: is not CSV"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    file = tmp_path / "members.csv"
    file.write_bytes(content)
    assert cli.main(["members", "import", str(file)]) == 2
    assert told in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["members", "import", "/proc/nowhere.csv"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_only_the_first_problems_are_shown(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, HEADER, *[changed(plan="")] * 50) == 2
    assert capsys.readouterr().err.count("column plan") == 20


def member_of(document: dict[str, Any]) -> dict[str, str]:
    """The cells of the member that a request is about."""
    found = (each["resource"] for each in document["prefetch"]["coverage"]["entry"])
    coverage = next(each for each in found if each["resourceType"] == "Coverage")
    classes = {each["type"]["coding"][0]["code"]: each["value"] for each in coverage.get("class", ())}
    return {
        "member_id": coverage["subscriberId"],
        "birth_date": document["prefetch"]["patient"]["birthDate"],
        "plan": classes.get("plan") or classes.get("group") or "Gold",
    }


def answered(url: str) -> Any:
    settings = Settings(database_url=url, spool_dir="none", member_lookup="table", log_level="CRITICAL")
    document = orjson.loads(EXAMPLE.read_bytes())
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = "2.2"
    response = create_app(settings).test_client().post("/cds-services/order-sign-crd", json=document)
    assert response.status_code == 200
    (action,) = response.get_json()["systemActions"]
    information = action["resource"]["extension"][-1]["extension"]
    reasons = [each["valueCodeableConcept"] for each in information if each["url"] == "reason"]
    covered = next(each["valueCode"] for each in information if each["url"] == "covered")
    return covered, reasons[0]["coding"][0]["code"] if reasons and "coding" in reasons[0] else None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, ("covered", None)),
        ({"member_id": "SOMEBODY"}, ("not-covered", "no-member-found")),
        ({"effective_to": "2020-12-31"}, ("not-covered", "no-active-coverage")),
        ({"exclusions": "macrilen"}, ("not-covered", None)),
    ],
)
def test_over_http_the_imported_members_decide(
    url: str, tmp_path: Path, cells: dict[str, str], expected: tuple[str, str | None]
) -> None:
    known = member_of(orjson.loads(EXAMPLE.read_bytes()))
    assert imported(tmp_path, HEADER, changed(**known | cells)) == 0
    assert answered(url) == expected


def test_over_http_a_plan_that_the_member_does_not_have_is_no_coverage(url: str, tmp_path: Path) -> None:
    known = member_of(orjson.loads(EXAMPLE.read_bytes()))
    assert imported(tmp_path, HEADER, changed(**known | {"plan": "Another plan"})) == 0
    assert answered(url) == ("not-covered", "coverage-not-found")


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/no/such/place/x.sqlite3", "postgresql://u:secret@127.0.0.1:9/none"]
)
def test_over_http_a_database_that_is_down_is_technical(url: str) -> None:
    assert answered(url) == ("indeterminate", "technical")


def test_over_http_a_table_that_was_never_filled_is_technical(tmp_path: Path) -> None:
    assert answered(f"sqlite:///{tmp_path}/new.sqlite3") == ("indeterminate", "technical")
