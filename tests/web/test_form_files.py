"""Documents sent with a form: a few kinds, told by their content, whatever they are called."""

from __future__ import annotations

import base64

import pytest

from cds_service.web.form_files import DocumentError, kept, limit_in_words, megabytes, read_document

LIMIT = 1_000


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"II*\x00....", "image/tiff"),
        (b"MM\x00*....", "image/tiff"),
        ("Notes: 38.2 °C, BMI 24.5\r\n".encode(), "text/plain"),
        (b"\xef\xbb\xbfNotes", "text/plain"),
    ],
)
def test_the_content_tells_the_kind(content: bytes, kind: str) -> None:
    attachment = read_document("scan.exe", content, LIMIT)
    assert attachment["contentType"] == kind
    assert base64.b64decode(attachment["data"]) == content
    assert (attachment["size"], attachment["title"]) == (len(content), "scan.exe")


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"  <svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><x/>",
        b"MZ\x90\x00\x03",
        b"PK\x03\x04",
        b"GIF89a\x01\x00",
        b"\x7fELF",
        "Notes".encode("utf-16"),
        b"Notes\x00",
    ],
)
def test_nothing_else_is_taken_even_when_it_is_named_so(content: bytes) -> None:
    with pytest.raises(DocumentError, match="none of these: PDF, PNG, JPEG, TIFF or plain text"):
        read_document("notes.pdf", content, LIMIT)


def test_an_empty_one_and_one_that_is_too_large_are_not_taken() -> None:
    with pytest.raises(DocumentError, match=r"“notes\.txt” is empty"):
        read_document("notes.txt", b"", LIMIT)
    with pytest.raises(DocumentError, match="larger than 1 kB"):
        read_document("notes.txt", b"n" * (LIMIT + 1), LIMIT)
    assert read_document("notes.txt", b"n" * LIMIT, LIMIT)["size"] == LIMIT


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("C:\\Users\\jane\\scan.pdf", "scan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("", "document"),
        ("/", "document"),
        ("n" * 300 + ".pdf", "n" * 108 + "…" + "n" * 7 + ".pdf"),
    ],
)
def test_a_name_is_one_harmless_line(name: str, title: str) -> None:
    assert read_document(name, b"%PDF-", LIMIT)["title"] == title


def test_a_kept_document_is_known_by_what_it_is() -> None:
    one = kept(read_document("a.txt", b"notes", LIMIT))
    assert one == kept(read_document("a.txt", b"notes", LIMIT))
    assert one.key != kept(read_document("a.txt", b"other", LIMIT)).key
    assert (one.title, one.size) == ("a.txt", 5)
    assert kept({"contentType": "text/plain", "data": "bm90ZXM=", "title": "x"}).size == 6


def test_sizes_are_said_as_people_say_them() -> None:
    assert [megabytes(size) for size in (10, 12_400, 1_000_000, 2_345_678)] == [
        "1 kB",
        "12 kB",
        "1 MB",
        "2.3 MB",
    ]
    assert [limit_in_words(size) for size in (2_097_152, 4_194_304)] == ["2 MB", "4 MB"]
