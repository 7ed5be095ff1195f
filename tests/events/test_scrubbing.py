"""Secrets by name (T38): https://develop.sentry.dev/sdk/foundations/client/data-collection/ has the list of terms."""

from __future__ import annotations

import pytest

from asyncsentry.events.scrubbing import (
    COOKIE_LIMIT,
    FILTERED,
    HARMLESS_LIMIT,
    USUAL,
    SecretNames,
    scrub_cookies,
    scrub_headers,
    scrub_query,
    scrub_url,
)

TERMS = (
    "auth token secret password passwd pwd key jwt bearer sso saml csrf xsrf credentials session sid identity cookie"
)


@pytest.mark.parametrize("term", TERMS.split())
def test_a_term_anywhere_in_a_name_in_any_case_makes_it_one_of_a_secret(term: str) -> None:
    assert term in USUAL
    assert f"my_{term.upper()}_2" in USUAL


@pytest.mark.parametrize("name", ["", "name", "user", "count", "größe", "x" * 10_000])
def test_other_names_are_not(name: str) -> None:
    assert name not in USUAL


def test_terms_may_be_added() -> None:
    names = SecretNames(["Pin"])
    assert "customer_PIN_2" in names
    assert "password" in names
    assert "customer_PIN_2" not in USUAL


def test_a_whole_name_may_be_shown_in_any_case() -> None:
    names = SecretNames(shown=["Sort_Key"])
    assert "sort_key" not in names
    assert "SORT_KEY" not in names
    assert "sort_keys" in names


def test_a_bounded_number_of_short_names_is_remembered_as_harmless() -> None:
    names = SecretNames()
    for number in range(HARMLESS_LIMIT + 10):
        assert f"name{number}" not in names
    assert len(names.harmless) <= HARMLESS_LIMIT
    assert "größe" not in names
    assert "y" * 1000 not in names
    assert "größe" in names.harmless
    assert "y" * 1000 not in names.harmless
    for number in range(HARMLESS_LIMIT + 10):
        assert f"token{number}" in names
    assert len(names.telling) <= HARMLESS_LIMIT
    for _ in range(2):
        assert "X-Api-Key" in names
        assert "password=x" in names
        assert "key_" + "gh" + "p_" + "a" * 30 in names
    assert "X-Api-Key" in names.telling
    assert not {"password=x", "key_" + "gh" + "p_" + "a" * 30} & names.telling


def test_t38_headers_keep_their_names_and_lose_their_secrets() -> None:
    given = [
        ("Authorization", "Bearer abc"),
        ("Cookie", "a=b"),
        ("X-Api-Key", "abc"),
        ("Accept", "text/html"),
        ("Accept", "text/plain"),
        ("Set-Cookie", "a=b"),
    ]
    assert scrub_headers(given) == {
        "Authorization": FILTERED,
        "Cookie": FILTERED,
        "X-Api-Key": FILTERED,
        "Accept": "text/html,text/plain",
        "Set-Cookie": FILTERED,
    }


def test_t38_cookies_are_filtered_one_by_one() -> None:
    assert scrub_cookies("theme=dark; sessionid=abc; csrftoken=x=y") == {
        "theme": "dark",
        "sessionid": FILTERED,
        "csrftoken": FILTERED,
    }


def test_t38_a_cookie_without_a_name_is_hidden_whole() -> None:
    assert scrub_cookies("what is this") == {"": FILTERED}
    assert scrub_cookies("; theme=dark;what is this;;") == {"theme": "dark", "": FILTERED}


def test_no_more_cookies_are_looked_at_than_a_browser_would_send() -> None:
    many = ";".join(f"c{number}={number}" for number in range(COOKIE_LIMIT + 1))
    assert list(scrub_cookies(many)) == [f"c{number}" for number in range(COOKIE_LIMIT)]


def test_t38_a_query_keeps_its_names_and_loses_its_secrets() -> None:
    assert scrub_query("a=1&token=abc&my%5Ftoken=abc&flag&b=%20x") == (
        f"a=1&token={FILTERED}&my%5Ftoken={FILTERED}&flag&b=%20x"
    )
    assert scrub_query("") == ""


@pytest.mark.parametrize(
    ("url", "scrubbed"),
    [
        ("https://user:pw@example.com/a?b=1", "https://[Filtered]:[Filtered]@example.com/a?b=1"),
        ("https://user@example.com:8443", "https://[Filtered]:[Filtered]@example.com:8443"),
        ("https://p@ss:w@example.com/", "https://[Filtered]:[Filtered]@example.com/"),
        ("https://example.com/p?token=abc#state=1&access_token=x", None),
        ("https://example.com/a@b?c=d@e", "https://example.com/a@b?c=d@e"),
        ("/path/only?key=1", "/path/only?key=[Filtered]"),
        ("", ""),
    ],
)
def test_t38_a_url_loses_its_user_and_the_secrets_of_its_query_and_fragment(url: str, scrubbed: str | None) -> None:
    expected = (
        "https://example.com/p?token=[Filtered]#state=1&access_token=[Filtered]" if scrubbed is None else scrubbed
    )
    assert scrub_url(url) == expected
