"""Where a read may go: exactly the listed servers, at addresses that are no way into this network."""

from __future__ import annotations

import pytest

from cds_service.fhir.ehr.addresses import is_public, read_address, read_network
from cds_service.fhir.ehr.bases import AllowedServers, BaseError, FhirBase, admits

LISTED = "https://ehr.example.org/fhir/r4"


@pytest.mark.parametrize(
    "text",
    [LISTED, f"{LISTED}/", "https://EHR.example.org/fhir/r4", "https://ehr.example.org:443/fhir/r4", "HTTPS"],
)
def test_a_listed_server_is_found_however_it_is_spelt(text: str) -> None:
    text = LISTED.replace("https", text, 1) if text == "HTTPS" else text
    base = AllowedServers([LISTED + "/"]).find(text)
    assert base is not None
    assert base.url == LISTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://ehr.example.org",
        "https://ehr.example.org/fhir",
        f"{LISTED}/other",
        f"{LISTED}/../r4",
        f"{LISTED}/%2e%2e/r4",
        f"{LISTED}?x=1",
        f"{LISTED}#x",
        "http://ehr.example.org/fhir/r4",
        "https://ehr.example.org:8443/fhir/r4",
        "https://ehr.example.org.evil.example/fhir/r4",
        "https://ehr.example.org@evil.example/fhir/r4",
        "https://user:secret@ehr.example.org/fhir/r4",
        "https://evil.example\\@ehr.example.org/fhir/r4",
        "https://ehr.example.org\\.evil.example/fhir/r4",
        "https:/ehr.example.org/fhir/r4",
        "https:ehr.example.org/fhir/r4",
        "//ehr.example.org/fhir/r4",
        "ftp://ehr.example.org/fhir/r4",
        "file:///fhir/r4",
        "gopher://ehr.example.org/fhir/r4",
        "https://ehr.example.org./fhir/r4",
        "https://éhr.example.org/fhir/r4",
        "https://ehr.example.org/fhir/r4\r\nHost: evil.example",
        " https://ehr.example.org/fhir/r4",
        "https://ehr.example.org:notaport/fhir/r4",
        "https://[::1/fhir/r4",
        "https://" + "a" * 3000,
    ],
)
@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_nothing_else_is(text: str) -> None:
    assert AllowedServers([LISTED]).find(text) is None


def test_an_empty_list_allows_nothing() -> None:
    assert not AllowedServers()
    assert AllowedServers().find(LISTED) is None


@pytest.mark.parametrize(
    "entry",
    ["http://ehr.example.org/fhir", "http://10.0.0.1/fhir", "https://u@h/fhir", "ehr.example.org", "*"],
)
def test_a_list_refuses_what_can_never_be_read(entry: str) -> None:
    with pytest.raises(BaseError):
        AllowedServers([entry])


@pytest.mark.parametrize(
    "entry", ["http://localhost:8080/fhir", "http://127.0.0.1/fhir", "http://[::1]:80/x"]
)
def test_without_tls_only_this_machine(entry: str) -> None:
    assert AllowedServers([entry]).find(entry) is not None
    with pytest.raises(BaseError):
        AllowedServers([entry], http_on_loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_a_host_name_must_not_lead_into_a_private_network(address: str) -> None:
    assert not admits(FhirBase.parse(LISTED), address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"])
def test_a_host_name_may_lead_to_public_addresses(address: str) -> None:
    assert admits(FhirBase.parse(LISTED), address)


def test_private_networks_can_be_allowed_by_name() -> None:
    networks = (read_network("10.20.0.0/16"),)
    assert admits(FhirBase.parse(LISTED), "10.20.3.4", networks)
    assert not admits(FhirBase.parse(LISTED), "10.21.3.4", networks)


def test_a_listed_address_allows_itself_and_no_other() -> None:
    base = FhirBase.parse("https://10.0.0.5/fhir")
    assert admits(base, "10.0.0.5")
    assert not admits(base, "10.0.0.6")
    assert not admits(base, "8.8.8.8")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.8.8"])
def test_localhost_is_this_machine_only(address: str) -> None:
    base = FhirBase.parse("http://localhost:8080/fhir")
    assert admits(base, address)
    assert not admits(base, "10.0.0.1")
    assert not admits(base, "8.8.8.8")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{LISTED}/Patient/1", True),
        (f"{LISTED}?_getpages=1", True),
        (f"{LISTED}/", True),
        (f"{LISTED}-other/Patient/1", False),
        ("https://ehr.example.org/fhir/other", False),
        (f"{LISTED}/../../admin", False),
        (f"{LISTED}/%2E%2e/admin", False),
        ("http://ehr.example.org/fhir/r4/Patient/1", False),
        ("https://evil.example/fhir/r4/Patient/1", False),
        ("https://ehr.example.org@evil.example/fhir/r4/", False),
        ("https://ehr.example.org:444/fhir/r4/Patient", False),
        ("", False),
    ],
)
def test_what_lies_on_a_base(url: str, expected: bool) -> None:
    assert FhirBase.parse(LISTED).holds(url) is expected


@pytest.mark.parametrize(
    "url", ["https://h", "https://h:8443/a/b", "http://[::1]:8080/fhir", "https://[2001:db8::1]/x"]
)
def test_a_base_is_written_as_it_was_read(url: str) -> None:
    assert FhirBase.parse(url).url == url


def test_addresses_in_other_notations_are_the_address_meant() -> None:
    assert str(read_address("64:ff9b::808:808")) == "8.8.8.8"
    assert str(read_address("[::1]")) == "::1"
    assert read_address("ehr.example.org") is None
    public = read_address("8.8.8.8")
    assert public is not None
    assert is_public(public)
