"""Secrets in texts: what is taken for one, what is shown instead, and what of it the event says."""

from __future__ import annotations

import pytest

from asyncsentry.events.scrubbing import HARMLESS_LIMIT, USUAL, SecretNames
from asyncsentry.events.secrets import Secrets, secrets_of

SECRETS = Secrets(USUAL)


def shown(text: str) -> str:
    """The text as an event shows it, among others and alone; nothing more is hidden at a second look."""
    among = SECRETS.hide_in({text, "another", "x" * 20})
    alone = SECRETS.hide(text)
    assert among.get(text) == alone
    if alone is None:
        return text
    assert SECRETS.hide(alone.text) is None
    return alone.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", "password=[Filtered]"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=[Filtered] psql"),
        ("user=bob&api_key=abc&x=1", "user=bob&api_key=[Filtered]&x=1"),
        ("/?token=a&page=2", "/?token=[Filtered]&page=2"),
        ("password%3Dhunter2", "password%3D[Filtered]"),
        ('{"password": "a\\"b", "x": 1}', '{"password": "[Filtered]", "x": 1}'),
        ('{"pin_token": 1234}', '{"pin_token": [Filtered]}'),
        ('{\\"password\\": \\"x\\"}', '{\\"password\\": \\"[Filtered]\\"}'),
        ("{'token': b'abc', 'n': [1]}", "{'token': b'[Filtered]', 'n': [1]}"),
        ("(b'authorization', b'Bearer x')", "(b'authorization', b'[Filtered]')"),
        ('[("password", "x")]', '[("password", "[Filtered]")]'),
        ('credentials={"user": ["x"], "pass": "y"} rest', "credentials=[Filtered] rest"),
        ('credentials={"user": "x", "pass":', "credentials=[Filtered]"),
        ("user(name='x', password='y')", "user(name='x', password='[Filtered]')"),
        ("secret => x", "secret => [Filtered]"),
        ("Server=x;Password=y;Uid=z", "Server=x;Password=[Filtered];Uid=z"),
        ("user[password]=x&user[name]=y", "user[password]=[Filtered]&user[name]=y"),
        ("X-Api-Key: abc\r\nHost: shop", "X-Api-Key: [Filtered]\r\nHost: shop"),
        ("Authorization: Token abc", "Authorization: Token [Filtered]"),
        ("Cookie: a=b; c=d\r\nHost: shop", "Cookie: [Filtered]\r\nHost: shop"),
        ("Cookie: a=b; c=d", "Cookie: [Filtered]"),
        ("tool --token abc --verbose", "tool --token [Filtered] --verbose"),
        ("tool --token 'a b'", "tool --token '[Filtered]'"),
        ("tool --token --verbose", "tool --token --verbose"),
        ("tool --token [a]", "tool --token [a]"),
        ("<password>x y</password>", "<password>[Filtered]</password>"),
        ("<password>x y", "<password>[Filtered]"),
        ("password>x", "password>x"),
        ('<input name="csrf_token" value="abc">', '<input name="csrf_token" value="[Filtered]">'),
        ('name="password"\r\n\r\nhunter2\r\n--', 'name="password"\r\n\r\n[Filtered]\r\n--'),
        ("password\n\nhunter2", "password\n\nhunter2"),
        ("token: secret=abc", "token: secret=[Filtered]"),
        ("PWD= password: hunter2", "PWD= [Filtered] [Filtered]"),
        ("\ud800 password=hunter2", "\ud800 password=[Filtered]"),
        ("auth: x9f8s7d6f", "auth: [Filtered]"),
        ("auth: " + "abc" * 8, "auth: [Filtered]"),
        ("key: 'a b c d e f g 1'", "key: 'a b c d e f g 1'"),
        ("name_" * 20 + "password=x", "name_" * 20 + "password=[Filtered]"),
        ("password=", "password="),
        ("password='", "password='"),
        ("token://host", "token://host"),
        ("İ password=x", "İ password=[Filtered]"),
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_hidden(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paid with 4111 1111 1111 1111.", "paid with [Filtered]."),
        ("3782 822463 10005", "[Filtered]"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("9111111111111111", "9111111111111111"),
        ("411111111111111", "411111111111111"),
        ("5105105105105100", "[Filtered]"),
        ("2223003122003222", "[Filtered]"),
        ("36227206271667", "[Filtered]"),
        ("6450000000000009", "6450000000000009"),
        ("6011000990139424", "[Filtered]"),
        ("Bearer abc123", "Bearer [Filtered]"),
        ("Bearer abcdef", "Bearer abcdef"),
        ("bearer " + "a" * 20, "bearer [Filtered]"),
        ("Basic YWRhOmh1bnRlcjI=", "Basic [Filtered]"),
        ("Basic authentication", "Basic authentication"),
        ("Basic understanding_of", "Basic understanding_of"),
        ("postgres://ada:p@ss@db/shop", "postgres://[Filtered]:[Filtered]@db/shop"),
        ("postgres://[Filtered]:[Filtered]@db/shop", "postgres://[Filtered]:[Filtered]@db/shop"),
        ("mysql -u root -phunter2 shop", "mysql -u root -p[Filtered] shop"),
        ("curl -u ada:hunter2 http://shop", "curl -u [Filtered] http://shop"),
        ("IDENTIFIED BY 'hunter2'", "IDENTIFIED BY '[Filtered]'"),
        ("https%3A%2F%2Fada%3Ahunter2%40shop", "[Filtered]"),
        ("caff%C3%A8+e+latte", "caff%C3%A8+e+latte"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[Filtered]"),
        ("password=Bearer abc123", "password=Bearer [Filtered]"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_secrets_that_overlap_are_one() -> None:
    assert shown("password='Bearer abc123 4111 1111 1111 1111'") == "password='[Filtered]'"


def test_the_remarks_say_where_it_was_in_bytes_and_how_long_the_text_in_characters() -> None:
    hidden = SECRETS.hide("größe=1 password=hunter2 card=4111111111111111")
    assert hidden is not None
    assert hidden.text == "größe=1 password=[Filtered] card=[Filtered]"
    text = hidden.text.encode()
    first, second = [["@password:filter", "s", 19, 29], ["@creditcard:filter", "s", 35, 45]]
    assert text[19:29] == text[35:45] == b"[Filtered]"
    assert hidden.meta == {"": {"rem": [first, second], "len": 46}}


def test_a_bounded_number_of_short_texts_is_remembered_as_harmless() -> None:
    secrets = Secrets(USUAL)
    for number in range(0, HARMLESS_LIMIT + 100, 10):
        texts = {f"text {each}" for each in range(number, number + 10)}
        assert secrets.hide_in(texts | {"x" * 100, "password=x"}).keys() == {"password=x"}
        assert texts <= secrets.harmless
        assert len(secrets.harmless) <= HARMLESS_LIMIT
    assert not {"x" * 100, "password=x"} & secrets.harmless


def test_names_may_be_added_and_shown() -> None:
    secrets = secrets_of(SecretNames(["pin"], ["sort_key"]))
    hidden = secrets.hide("pin=1234 sort_key=abc")
    assert hidden is not None
    assert hidden.text == "pin=[Filtered] sort_key=abc"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("    connect(password='hunter2', timeout=5)", "    connect(password='[Filtered]', timeout=5)"),
        ("    password = settings.PASSWORD", None),
        ('    log.info(f"password={password}")', None),
        ("    key = next(iter(keys))", None),
        ("    url = 'postgres://ada:hunter2@db/shop'", "    url = 'postgres://[Filtered]:[Filtered]@db/shop'"),
    ],
)
def test_of_a_program_only_what_is_written_out_is_hidden(line: str, expected: str | None) -> None:
    assert SECRETS.hide_in_code(line) == (line if expected is None else expected)


@pytest.mark.parametrize(
    "part",
    [
        *("key: '", "password='", "a@", "://", "mysql ", "curl ", "-----BEGIN PRIVATE KEY-----", "4", "4111 ", "eyJ"),
        *("Basic ", "key", "password=[", "[(", "token ", "cookie: a", "<key>", '"password",', "\\", 'key="\\"', "a+"),
        *("%41", "a.b@", "identified by '", "-p ", "https://hooks.", "sk-", "token\n"),
    ],
)
def test_no_text_takes_long(part: str) -> None:
    """Were the time that it takes square to its length, this would not end within the time that a test has."""
    text = part * (100_000 // len(part))
    assert SECRETS.hide(text) == SECRETS.hide(text)
