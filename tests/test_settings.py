"""Settings: defaults, what they accept, what they say when they do not, and their documentation."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cds_service.settings import (
    Settings,
    SettingsError,
    default_rules_directory,
    documentation,
    unknown_variables,
)


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.workers, settings.threads) == ("127.0.0.1", 8000, 2, 16)
    assert settings.open_mode is False
    assert settings.default_crd_version == "2.0"


def test_values_are_read(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "CDS_POLICIES_DIR": str(tmp_path),
            "CDS_DATABASE_URL": "postgresql+psycopg://u:p@h/d",
            "CDS_PUBLIC_BASE_URL": "https://payer.example.org/cds/",
            "CDS_PORT": "0",
            "CDS_OPEN_MODE": "TRUE",
            "CDS_CORS_ORIGINS": "https://a.example.org, https://b.example.org/",
            "CDS_DEFAULT_CRD_VERSION": "2.2",
            "CDS_TIME_ZONE": "UTC",
            "CDS_LOG_LEVEL": "debug",
        }
    )
    assert settings.rules_directory == tmp_path
    assert settings.public_base_url == "https://payer.example.org/cds"
    assert settings.port == 0
    assert settings.open_mode is True
    assert settings.cors_origins == ("https://a.example.org", "https://b.example.org")
    assert settings.default_crd_version == "2.2"
    assert settings.log_level == "DEBUG"


def test_an_empty_variable_means_the_default() -> None:
    assert Settings.from_environment({"CDS_PORT": " "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CDS_POLICIES_DIR", "/no/such/folder"),
        ("CDS_DATABASE_URL", "file.sqlite3"),
        ("CDS_DATABASE_URL", "mysql://u:p@h/d"),
        ("CDS_DATABASE_URL", "sqlite://"),
        ("CDS_PUBLIC_BASE_URL", "payer.example.org"),
        ("CDS_PUBLIC_BASE_URL", "https://payer.example.org/?a=1"),
        ("CDS_FRAME_ANCESTORS", "*"),
        ("CDS_FRAME_ANCESTORS", "https://ehr.example.org; script-src *"),
        ("CDS_PORT", "70000"),
        ("CDS_PORT", "http"),
        ("CDS_SERVER", "apache"),
        ("CDS_WORKERS", "0"),
        ("CDS_THREADS", "-1"),
        ("CDS_OPEN_MODE", "perhaps"),
        ("CDS_CORS_ORIGINS", "ehr"),
        ("CDS_DEFAULT_CRD_VERSION", "1.0"),
        ("CDS_TIME_ZONE", "Mars/Olympus"),
        ("CDS_MAX_BODY_BYTES", "10"),
        ("CDS_MAX_NESTING", "100000"),
        ("CDS_MAX_ORDERS", "0"),
        ("CDS_LOG_LEVEL", "loud"),
        ("CDS_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_told_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value).startswith(f"{name}: ")


def test_secrets_are_never_shown() -> None:
    environment = {"CDS_ASSERTION_KEY": "k3y", "CDS_DATABASE_URL": "postgresql://u:s3cret@h/d"}
    settings = Settings.from_environment(environment)
    shown = repr(settings) + str(settings.in_words())
    assert "k3y" not in shown
    assert "s3cret" not in shown
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"CDS_DATABASE_URL": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_typing_errors_in_names_are_found() -> None:
    assert unknown_variables({"CDS_POLICY_DIR": "x", "CDS_PORT": "1", "PATH": "x"}) == ["CDS_POLICY_DIR"]


def test_the_catalogue_of_a_checkout_is_found() -> None:
    assert (default_rules_directory() / "catalog" / "payers.yaml").is_file()


def test_every_setting_is_documented_and_the_documentation_is_current() -> None:
    text = documentation()
    for each in fields(Settings):
        assert f"| `{each.metadata['name']}` |" in text
    assert (Path(__file__).parents[1] / "docs/settings.md").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("database", "chosen", "folder"),
    [
        ("sqlite:////var/lib/cds/decisions.sqlite3", "", "/var/lib/cds/decisions.sqlite3.spool"),
        ("sqlite+pysqlite:///here.sqlite3?timeout=3", "", "here.sqlite3.spool"),
        ("sqlite:///file:here.sqlite3?uri=true", "", "cds-service.spool"),
        ("postgresql+psycopg://u:p@h/d", "", "cds-service.spool"),
        ("postgresql+psycopg://u:p@h/d", "/var/spool/cds", "/var/spool/cds"),
        ("sqlite:///here.sqlite3", "none", None),
    ],
)
def test_the_spool_lies_beside_a_database_file_unless_told_otherwise(
    database: str, chosen: str, folder: str | None
) -> None:
    settings = Settings.from_environment({"CDS_DATABASE_URL": database, "CDS_SPOOL_DIR": chosen})
    assert settings.spool_folder == (Path(folder) if folder else None)
