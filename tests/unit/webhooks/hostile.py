"""Hosts that must never be dialled: literals of every forbidden block, disguises of them, and names that lead there."""

from ipaddress import IPv4Address, IPv6Address


def words(text: str) -> list[str]:
    return text.split()


BLOCKS = words("""
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.0
127.0.0.1 127.0.0.53 127.127.127.127 127.255.255.255 169.254.0.1 169.254.169.123 169.254.169.254 169.254.170.2
169.254.255.255 172.16.0.0 172.17.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.2.1 192.0.2.255
192.31.196.1 192.52.193.1 192.88.99.1 192.88.99.2 192.168.0.1 192.168.1.1 192.168.255.255 192.175.48.1 198.18.0.0
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 224.0.0.251 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255
168.63.129.16
""")

INNER = words("127.0.0.1 10.0.0.1 169.254.169.254 192.168.0.1 100.100.100.200 168.63.129.16 192.0.0.192")

BLOCKS_V6 = words("""
:: ::1 ::2 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 feff::1 fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 ff01::1 ff02::1
ff05::2 ff0e::1 100::1 100:0:0:1::1 2001::1 2001:1::1 2001:2::1 2001:3::1 2001:10::1 2001:20::1 2001:db8::1 2002::1
2620:4f:8000::1 3fff::1 4000::1 5f00::1 8000::1 e000::1 64:ff9b:1::1 64:ff9b:1:fffe::1
""")

DISGUISES = words("""
0 1 127.1 127.0.1 0x7f.1 0x7f.0.0.1 0x7f.0x0.0x0.0x1 0x7f000001 0X7F000001 2130706433 017700000001 0177.0.0.1
00000177.0.0.1 0177.0x0.0.01 127.0x0.1 169.254.43518 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 2852039166 0251.0376.0251.0376
0251.254.169.0xfe 10.1 012.1 0xa.1 167772161 192.168.257 0xc0a80001 3232235521 0300.0250.1 0.0 0x0 00 localhost
LOCALHOST LocalHost localhost. ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127．0．0．1 ⑯⑨。②⑤④。⑯⑨｡②⑤④ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ
""")  # noqa: RUF001 - the ambiguous digits are the disguise


def _wrapped(inner: str) -> list[str]:
    """An IPv4 address in every dress: mapped, compatible, SIIT, NAT64 well-known and local, 6to4, Teredo, ISATAP."""
    value = int(IPv4Address(inner))
    high, low = value >> 16, value & 0xFFFF
    hidden = value ^ 0xFFFFFFFF
    return [
        str(IPv6Address(text))
        for text in (
            f"::ffff:{inner}",
            f"::{inner}",
            f"::ffff:0:{high:x}:{low:x}",
            f"64:ff9b::{high:x}:{low:x}",
            f"64:ff9b:1::{high:x}:{low:x}",
            f"2002:{high:x}:{low:x}::1",
            f"2001:0:4136:e378:8000:63bf:{hidden >> 16:x}:{hidden & 0xFFFF:x}",
            f"fe80::5efe:{high:x}:{low:x}",
        )
    ]


ADDRESSES = tuple(dict.fromkeys([*BLOCKS, *BLOCKS_V6, *(text for inner in INNER for text in _wrapped(inner))]))
"""Addresses as a resolver may answer them."""

HOSTS = (*(f"[{address}]" if ":" in address else address for address in ADDRESSES), *DISGUISES)
"""Hosts as a URL may name them."""

PUBLIC = "93.184.216.34"
ANSWERS = {
    "first-good.example": [PUBLIC, "127.0.0.1"],
    "last-good.example": ["169.254.169.254", PUBLIC],
    "six-and-four.example": ["2606:4700::1111", "10.0.0.1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "zoned.example": ["fe80::1%lo"],
    "nonsense.example": ["not an address"],
}
"""Names with what a hostile resolver answers for them."""
