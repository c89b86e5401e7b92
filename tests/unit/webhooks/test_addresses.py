"""Which addresses and URLs may be dispatched to."""

import pytest

from greenlane.webhooks.addresses import may_dial
from greenlane.webhooks.targets import TargetError, check_url

FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1
192.88.99.1 192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::a9fe:a9fe ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b:1::808:808
100::1 2001::1 2001:0:4136:e378::1 2001:db8::1 2001:10::1 2001:20::1 2002:7f00:1::1 2002:808:808::1
2620:4f:8000::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 4000::1 localhost
0x7f.1 2130706433 0177.0.0.1 127.1
"""

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255
169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
223.255.255.255 168.63.129.15 2606:4700::1111 2a00:1450::1 2400:cb00::1 2003::1 ::ffff:8.8.8.8
64:ff9b::808:808
"""


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_an_address_that_is_not_public_is_never_dialled(address: str) -> None:
    assert not may_dial(address, allow_private=False)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_dialled(address: str) -> None:
    assert may_dial(address, allow_private=False)


def test_loopback_is_allowed_by_the_setting_alone() -> None:
    assert may_dial("127.0.0.1", allow_private=True)
    assert not may_dial("fe80::1%eth0", allow_private=True)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com/hook", "https"),
        ("ftp://example.com/hook", "https"),
        ("example.com/hook", "https"),
        ("https:///hook", "host"),
        ("https://user@example.com/hook", "user"),
        ("https://user:secret@example.com/hook", "user"),
        ("https://example.com:8443/hook", "port"),
        ("https://example.com:99999/hook", "port"),
        ("https://example.com/hook#part", "fragment"),
        ("https://example.com/ho ok", "ASCII"),
        ("https://example.com/\r\nx: y", "ASCII"),
        ("https://①②⑦.0.0.1/hook", "ASCII"),
        ("https://[fe80::1%25eth0]/hook", "zone"),
        ("https://example.com\\@localhost/hook", r"host|user"),
        ("https://example.com/" + "x" * 2048, "2048"),
    ],
)
def test_a_url_that_may_not_be_an_endpoint_is_refused_with_the_remedy(url: str, problem: str) -> None:
    with pytest.raises(TargetError, match=problem):
        check_url(url, allow_private=False)


def test_https_on_443_is_accepted_and_plain_http_only_by_the_setting() -> None:
    assert check_url("https://example.com:443/hook?a=b", allow_private=False)
    assert check_url("http://127.0.0.1:8080/hook", allow_private=True)
