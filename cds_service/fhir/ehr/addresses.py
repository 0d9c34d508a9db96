"""Which network addresses a read may go to: never where only this server's own network can reach."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# RFC 6052: IPv4 addresses behind a translator; RFC 8215: the same for one operator's own network.
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def read_address(text: str) -> Address | None:
    """An address literal, IPv4 in IPv6 as the IPv4 address meant; None for a host name."""
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return _plain(address)


def read_network(text: str) -> Network:
    """A network as "10.20.0.0/16"; raises ValueError."""
    return ip_network(text.strip(), strict=False)


def is_public(address: Address) -> bool:
    """Whether an address is reachable from anywhere: not private, loopback, link-local, multicast..."""
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _plain(address: Address) -> Address:
    if not isinstance(address, IPv6Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is not None:
        return inner
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
