"""Settings to an authentication, when clients are registered."""

from __future__ import annotations

from cds_service.hooks.trust.authentication import Authentication, FirstUse, TokenRules, public_bases
from cds_service.hooks.trust.claims import ClaimLimits
from cds_service.hooks.trust.clients_file import ClientsFile
from cds_service.hooks.trust.fetch import KeyFetcher
from cds_service.hooks.trust.key_ring import KeyRing
from cds_service.hooks.trust.rate import RateLimit
from cds_service.hooks.trust.replay import UsedHere, with_stand_in
from cds_service.settings import Settings


def fetcher(settings: Settings) -> KeyFetcher:
    """Fetches key sets from where the settings allow it."""
    return KeyFetcher(settings.jwks_private_addresses, settings.jwks_ca_file)


def token_rules(settings: Settings, public_base_url: str) -> TokenRules:
    """What tokens must keep to; `public_base_url` is the main address of this service."""
    return TokenRules(
        bases=public_bases(public_base_url, settings.audience_urls),
        algorithms=settings.jwt_algorithms,
        limits=ClaimLimits(settings.jwt_leeway, settings.jwt_max_lifetime),
    )


def authentication(settings: Settings, public_base_url: str, used_tokens: FirstUse) -> Authentication | None:
    """The authentication of calls, or None when no file of clients is set; raises ClientsFileError.

    Keys that are at hand are read now, so that a set that cannot be used is in the log of the start.
    """
    if settings.clients_file is None:
        return None
    clients = ClientsFile(settings.clients_file)
    keys = KeyRing(fetcher(settings))
    for client in clients.current().clients:
        if not client.jwks_url:
            keys.of(client)
    stand_in = settings.replay_without_store == "process"
    return Authentication(
        clients.current,
        keys,
        token_rules(settings, public_base_url),
        with_stand_in(used_tokens, UsedHere()) if stand_in else used_tokens,
        RateLimit(settings.rate_limit),
    )
