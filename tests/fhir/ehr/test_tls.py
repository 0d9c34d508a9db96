"""TLS: the certificate must name the host, whatever address the host name led to."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.fhir.ehr import AllowedServers, EhrClient, EhrLimits
from tests.fhir.ehr.server import FhirServer, serving
from tests.fhir.ehr.test_client import PATIENT, READ, TOKEN, named, standing


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """A certificate for a host, signed by itself, and its key: two PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.pem", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(public), str(private)


def read(server: FhirServer, ca_file: str | None, networks: tuple[str, ...]) -> list[tuple[str, int]]:
    base = f"https://ehr.example.org:{server.port}/fhir"
    reader = EhrClient(AllowedServers([base]), EhrLimits(deadline=3.0), networks=networks, ca_file=ca_file)
    call = reader.call(base, TOKEN)
    assert call is not None
    call.ask(READ)
    return standing(list(call.answers()))


@pytest.mark.parametrize(
    ("host", "trusted", "networks", "expected"),
    [
        ("ehr.example.org", True, ("127.0.0.0/8",), [("available", 1)]),
        ("ehr.example.org", True, (), [("failed", 0)]),
        ("ehr.example.org", True, ("10.0.0.0/8",), [("failed", 0)]),
        ("ehr.example.org", False, ("127.0.0.0/8",), [("failed", 0)]),
        ("other.example.org", True, ("127.0.0.0/8",), [("failed", 0)]),
    ],
)
@pytest.mark.requirement("crd-2.2.1@sec-2")
def test_the_host_must_be_the_one_listed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    trusted: bool,
    networks: tuple[str, ...],
    expected: list[tuple[str, int]],
) -> None:
    public, private = certificate(tmp_path, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with serving(PATIENT, tls=context) as server:
        named(server, monkeypatch, "127.0.0.1", "10.0.0.1")
        assert read(server, public if trusted else None, networks) == expected
        assert bool(server.asked) is (expected[0][0] == "available"), "the token left only to the right host"
