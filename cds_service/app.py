"""Wiring, nothing else: settings -> catalogue, decision store, coverage check -> HTTP application."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from cds_service import logs
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.documentation import Documentation
from cds_service.coverage_check.membership import member_lookup
from cds_service.coverage_check.questionnaires import Questionnaires
from cds_service.dtr.forms import Forms
from cds_service.dtr.package import Packages
from cds_service.fhir.ehr import AllowedServers, EhrClient, EhrLimits
from cds_service.hooks.reading import RequestLimits
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import Settings, SettingsError
from cds_service.store.recorder import DecisionRecorder, open_store
from cds_service.store.spool import Spool
from cds_service.web.application import build_application
from cds_service.web.measures import Measures
from cds_service.web.services import Services

if TYPE_CHECKING:
    from flask import Flask

    from cds_service.hooks.trust.authentication import Authentication
    from cds_service.hooks.trust.backend_services import BackendServices
    from cds_service.store.documentation import DocumentationStore
    from cds_service.store.payload import PayloadVault

logger: Final = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application, ready to answer.

    Raises SettingsError for a bad setting, CatalogueError for a catalogue and ClientsFileError for a file
    of clients that cannot be used.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    catalogue = Catalogue.load(settings.rules_directory)
    measures = Measures()
    spool = Spool(settings.spool_folder, settings.database_url) if settings.spool_folder is not None else None
    recorder = DecisionRecorder(
        settings.database_url,
        linger=0.25,
        spool=spool,
        open_store=partial(open_store, payload_keys=settings.payload_keys),
        on_progress=measures.store_progress,
    )
    public_base_url = (settings.public_base_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    forms = Forms.load(catalogue, public_base_url)
    store = _documentation_store(settings)
    questionnaires = Questionnaires(
        forms,
        catalogue,
        store,
        recorder,
        key=settings.assertion_key.encode(),
        public_base_url=public_base_url,
        lifetime=timedelta(hours=settings.form_lifetime),
    )
    check = CoverageCheck(
        catalogue,
        recorder,
        public_base_url=public_base_url,
        assertion_key=settings.assertion_key,
        ehr=_ehr(settings),
        members=member_lookup(settings.member_lookup, settings.database_url),
        questionnaires=questionnaires,
    )
    authentication = _authentication(settings, public_base_url)
    return build_application(
        Services(
            settings=settings,
            catalogue=catalogue,
            check=check,
            store_status=recorder.status,
            record=recorder.record,
            measures=measures,
            vault=_payload_vault(settings),
            limits=RequestLimits(settings.max_body_bytes, settings.max_nesting, settings.max_orders),
            authentication=authentication,
            documentation=Documentation(
                check, questionnaires, store, max_attachment_bytes=settings.max_attachment_bytes
            ),
            forms=forms,
            packages=Packages(catalogue, forms, public_base_url),
            access=_access(authentication, store, public_base_url),
            public_base_url=public_base_url,
        )
    )


def _ehr(settings: Settings) -> EhrClient | None:
    """What reads the FHIR servers of calls; None when no call may name one."""
    if not settings.fhir_servers and settings.clients_file is None:
        return None
    return EhrClient(
        AllowedServers(settings.fhir_servers),
        EhrLimits(deadline=settings.ehr_deadline),
        networks=settings.fhir_private_networks,
        ca_file=str(settings.ehr_ca_file) if settings.ehr_ca_file else None,
    )


def _authentication(settings: Settings, public_base_url: str) -> Authentication | None:
    """The authentication of calls; its libraries are loaded only when clients are registered."""
    if settings.clients_file is None:
        return None
    from cds_service.hooks.trust.wiring import authentication
    from cds_service.store.used_tokens import UsedTokens

    return authentication(settings, public_base_url, UsedTokens(settings.database_url).first_use)


def _access(
    authentication: Authentication | None, store: DocumentationStore, public_base_url: str
) -> BackendServices | None:
    """What gives and reads the access tokens of FHIR calls, when clients are registered."""
    if authentication is None:
        return None
    from cds_service.hooks.trust.backend_services import BackendServices

    return BackendServices(authentication, store.secrets, public_base_url)


def _documentation_store(settings: Settings) -> DocumentationStore:
    """Where documentation is kept, always encrypted; raises SettingsError for a key that is none."""
    from cds_service.store.documentation import DocumentationStore

    if settings.payload_keys:
        _vault(settings)
    else:
        logger.warning(
            "CDS_PAYLOAD_KEYS is not set: what documentation rests on is encrypted with a key that the "
            "database keeps beside it; set keys of your own"
        )
    return DocumentationStore(settings.database_url, settings.payload_keys)


def _payload_vault(settings: Settings) -> PayloadVault | None:
    """What encrypts whole requests and answers, where they are kept; raises SettingsError without a key."""
    if not settings.retain_payloads:
        return None
    if not settings.payload_keys:
        raise SettingsError("CDS_PAYLOAD_KEYS: payloads are kept encrypted only; set a key")
    return _vault(settings)


def _vault(settings: Settings) -> PayloadVault:
    from cds_service.store.errors import StoreConfigurationError
    from cds_service.store.payload import PayloadVault

    try:
        return PayloadVault(settings.payload_keys)
    except StoreConfigurationError as error:
        raise SettingsError(f"CDS_PAYLOAD_KEYS: {error}") from None
