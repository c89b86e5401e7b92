"""Which network addresses may be dialled: everything public, and nothing that only looks so."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_FORBIDDEN_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)
"""IANA's special-purpose list, multicast, and the metadata address of Azure."""

_PUBLIC_V6 = IPv6Network("2000::/3")
_NAT64 = (IPv6Network("64:ff9b::/96"),)
_FORBIDDEN_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""Inside 2000::/3: protocol assignments with Teredo, documentation, 6to4, AS112."""


def may_dial(address: str, *, allow_private: bool) -> bool:
    """Whether a resolved address (never a name) may be connected to; an IPv6 zone id always forbids it."""
    if "%" in address:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return allow_private or _public(parsed)


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    if address.ipv4_mapped is not None:
        return _public(address.ipv4_mapped)
    if any(address in network for network in _NAT64):
        return _public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_V6 and not any(address in network for network in _FORBIDDEN_V6)
