"""Which address a request came from: of what its headers say no more is believed than a trusted proxy has added."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from asyncsentry.events.addresses import FORWARDED_LIMIT, HOPS, address_of

TRUSTED = [ip_network(text) for text in ("10.0.0.0/8", "2001:db8:ffff::/48", "127.0.0.1")]
PEER = "10.0.0.1"


def forwarded_for(*values: str, peer: str = PEER) -> str:
    return address_of(peer, [("X-Forwarded-For", value) for value in values], TRUSTED)


def forwarded(*values: str, peer: str = PEER) -> str:
    return address_of(peer, [("Forwarded", value) for value in values], TRUSTED)


def test_without_a_word_of_the_proxy_it_is_the_proxy() -> None:
    assert address_of(PEER, [("Accept", "*/*")], TRUSTED) == PEER


@pytest.mark.parametrize("peer", ["192.0.2.9", "11.0.0.1", "::1", "2001:db8::1", "", "unix:", "localhost", "9" * 500])
def test_who_is_not_trusted_says_nothing_about_others(peer: str) -> None:
    assert forwarded_for("203.0.113.7", peer=peer) == peer
    assert forwarded("for=203.0.113.7", peer=peer) == peer


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.1.1", "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),  # what it has sent itself stands left of it
        ("1.1.1.1, 203.0.113.7,10.1.1.1 , 10.2.2.2", "203.0.113.7"),
        ("10.9.9.9, 10.1.1.1", "10.9.9.9"),  # somebody within
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::17", "2001:db8::17"),
        ("[2001:db8::17]:4711", "2001:db8::17"),
        ("[2001:DB8:0::17]", "2001:db8::17"),
        ("203.0.113.7, 2001:db8:ffff::1", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.1.1.1", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        # What is not understood is not gone past.
        ("203.0.113.7, unknown", PEER),
        ("203.0.113.7, , 10.1.1.1", "10.1.1.1"),
        ("203.0.113.7, 10.1.1.1:99999999", PEER),
        ("203.0.113.7, [10.1.1.1", PEER),
        ("203.0.113.7, 010.1.1.1", PEER),
        ("203.0.113.7, 10.1.1", PEER),
        ("203.0.113.7, " + "1" * 200, PEER),
        ("10.1.1.1\x00", PEER),
        ("<script>", PEER),
        ("", PEER),
        (",", PEER),
    ],
)
def test_it_is_the_last_in_the_chain_that_is_not_trusted(chain: str, address: str) -> None:
    assert forwarded_for(chain) == address


def test_several_headers_are_one_chain() -> None:
    assert forwarded_for("1.1.1.1", "203.0.113.7", "10.1.1.1") == "203.0.113.7"
    assert forwarded("for=1.1.1.1", "for=203.0.113.7", "for=10.1.1.1") == "203.0.113.7"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
        ("proto=http; for=203.0.113.7 , for=10.1.1.1", "203.0.113.7"),
        ("for=1.1.1.1,for=203.0.113.7", "203.0.113.7"),
        ('for="203.0.113.7:4711"', "203.0.113.7"),
        ('for="[2001:db8::17]:4711";host=shop.example', "2001:db8::17"),
        (r'for="203.0.113\.7"', "203.0.113.7"),
        # Who has asked chooses the host, and may have it look like more of the header.
        ('for=203.0.113.7;host="x, for=1.1.1.1"', "203.0.113.7"),
        (r'for=203.0.113.7;host="x\", for=1.1.1.1;a=\""', "203.0.113.7"),
        # Not known, or hidden by the proxy.
        ("for=unknown", PEER),
        ("for=_hidden, for=10.1.1.1", "10.1.1.1"),
        ("proto=https", PEER),
        ("for=203.0.113.7, proto=https", PEER),
        # Not well-formed: what stands to the right of it may be within it.
        ('for="1.1.1.1, for=203.0.113.7', PEER),
        ('for="1.1.1.1, for="[2001:db8::17]:4711"', PEER),
        ("for=203.0.113.7,", PEER),
        ("for=203.0.113.7;", PEER),
        ("for = 203.0.113.7", PEER),
        ("for=2001:db8::17", PEER),
        ("203.0.113.7", PEER),
        ("", PEER),
        ("for=203.0.113.7" + ", for=10.1.1.1" * FORWARDED_LIMIT, PEER),
    ],
)
def test_the_header_of_the_standard_is_read_whole_or_not_at_all(header: str, address: str) -> None:
    assert forwarded(header) == address


def test_two_headers_that_say_different_things_are_not_believed() -> None:
    both = [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=1.1.1.1")]
    assert address_of(PEER, both, TRUSTED) == PEER
    alike = [("x-forwarded-for", "203.0.113.7"), ("FORWARDED", 'for="203.0.113.7:80"')]
    assert address_of(PEER, alike, TRUSTED) == "203.0.113.7"


def test_a_chain_is_followed_so_far_and_no_farther() -> None:
    trusted = [f"10.0.0.{number % 250}" for number in range(1000)]
    assert forwarded_for(", ".join(["203.0.113.7", *trusted])) == trusted[-HOPS]
    assert forwarded_for(", ".join(["203.0.113.7", *trusted[: HOPS - 1]])) == "203.0.113.7"
    assert forwarded(",".join(f"for={each}" for each in ["1.1.1.1", *trusted[:400]])) == trusted[400 - HOPS]


@pytest.mark.parametrize("text", ["10.1.1.1," * 50_000, "for=10.1.1.1;" * 600, 'for="' + "\\" * 8000, "a=b " * 2000])
def test_a_hostile_header_takes_no_time(text: str) -> None:
    began = time.thread_time()
    assert forwarded_for(text) == forwarded(text) == PEER
    assert time.thread_time() - began < 0.5
