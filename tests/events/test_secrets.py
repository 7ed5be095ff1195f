"""Secrets in texts: what is taken for one, what is shown instead, and what of it the event says."""

from __future__ import annotations

import pytest

from asyncsentry.events.assignments import WORD
from asyncsentry.events.scrubbing import HARMLESS_LIMIT, USUAL, SecretNames
from asyncsentry.events.secrets import SHORT, Secrets, secrets_of

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
        ("cfg['password'] = 'x'", "cfg['password'] = '[Filtered]'"),
        ("password['a'][0]=x", "password['a'][0]=[Filtered]"),
        ("PASSWORD: Final = 'x'", "PASSWORD: Final = '[Filtered]'"),
        ("token: Final[str] | None = 'x1x1x1'", "token: Final[str] | None = '[Filtered]'"),
        ("password: x, user = 'ada'", "password: [Filtered], user = 'ada'"),
        ('password="""x"y"""', 'password="""[Filtered]"""'),
        ('"password":          "x"', '"password":          "[Filtered]"'),
        ("password -> x", "password -> [Filtered]"),
        ("password: |\n  x", "password: |\n  [Filtered]"),
        ('{\\"password\\": \\"a\\\\\\"b\\"}', '{\\"password\\": \\"[Filtered]\\"}'),
        ("&quot;password&quot;: &quot;x&quot;", "&quot;password&quot;: &quot;[Filtered]&quot;"),
        ('{"token": {"a": "}", "b": "x"}, "c": 1}', '{"token": [Filtered], "c": 1}'),
        ('{\\"token\\": {\\"a\\": \\"}\\", \\"b\\": \\"x\\"}} c', '{\\"token\\": [Filtered]} c'),
        ("password={'a", "password=[Filtered]"),
        ("password: must be long", "password: must be long"),
        ("DB_PASSWORD=a(b)c", "DB_PASSWORD=[Filtered]"),
        ("DB_PASSWORD=a;b,c&d\nUSER=x", "DB_PASSWORD=[Filtered]\nUSER=x"),
        ("export DB_PASSWORD=a;b", "export DB_PASSWORD=[Filtered]"),
        ("db_password=a'b", "db_password=[Filtered]"),
        ("db_password=a\\b", "db_password=[Filtered]"),
        ("[db]\npassword = a b\nuser = x", "[db]\npassword = [Filtered]\nuser = x"),
        ("\npassword=a user=b", "\npassword=[Filtered] user=b"),
        ("PWD={hunter2};x=1", "PWD=[Filtered];x=1"),
        ("ALTER USER ada WITH PASSWORD 'x'", "ALTER USER ada WITH PASSWORD '[Filtered]'"),
        ("SELECT PASSWORD('x')", "SELECT PASSWORD('[Filtered]')"),
        ("WHERE `password` <> 'x''y' AND a", "WHERE `password` <> '[Filtered]' AND a"),
        ("password = N'x'", "password = N'[Filtered]'"),
        ("api_key IN ('x')", "api_key IN ('[Filtered]')"),
        ("get_word('x')", "get_word('x')"),
        ("token('x')", "token('x')"),
        ('<ns:password type="x">y</ns:password>', '<ns:password type="x">[Filtered]</ns:password>'),
        ("<password><![CDATA[y]]></password>", "<password><![CDATA[[Filtered]]]></password>"),
        ('<input type="password" id="a" value="x">', '<input type="password" id="a" value="[Filtered]">'),
        ('<meta name="csrf-token" content="x">', '<meta name="csrf-token" content="[Filtered]">'),
        ('{"name": "DB_PASSWORD", "value": "x"}', '{"name": "DB_PASSWORD", "value": "[Filtered]"}'),
        ("{'key': 'password', 'value': 'x'}", "{'key': 'password', 'value': '[Filtered]'}"),
        ("- name: DB_PASSWORD\n  value: x", "- name: DB_PASSWORD\n  value: [Filtered]"),
        ("password\n  Too short [type=a, input_value='x']", "password\n  Too short [type=a, input_value='[Filtered]']"),
        (
            "[{'loc': ('body', 'password'), 'msg': 'Too short', 'input': 'x'}]",
            "[{'loc': ('body', 'password'), 'msg': 'Too short', 'input': '[Filtered]'}]",
        ),
        ('Authorization: Digest a="b", response="x1x1x1"\r\nHost: h', "Authorization: [Filtered]\r\nHost: h"),
        ("Authorization: Custom x1x1x1", "Authorization: [Filtered]"),
        ("user%5Bpassword%5D=x", "user%5Bpassword%5D=[Filtered]"),
        ("q=%7B%22password%22%3A+%22x%22%7D&page=2", "q=%7B%22password%22%3A[Filtered]&page=2"),
        ("q=%7B%22password%22+%3A%22x%22%7D&page=2", "q=[Filtered]&page=2"),
        ("/?q=%7B%22password%22:%22x%22%7D", "/?q=%7B%22password%22:%22[Filtered]%22%7D"),
        ("next=%2525252525token%252525253Dx", "next=%2525252525token%252525253Dx"),
        ("next=%252F%253Ftoken%253Dx", "next=[Filtered]"),
        ("next=%2F%3Ftoken%3Dabc&a=%20", "next=%2F%3Ftoken%3D[Filtered]&a=%20"),
        ("DB_PASS=x smtp-pass=y bypass=z", "DB_PASS=[Filtered] smtp-pass=[Filtered] bypass=z"),
        ("password=" + "a1" * 21 + " [Filtered]", "password=[Filtered] [Filtered]"),
        ("passphrase=x", "passphrase=[Filtered]"),
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
        ("postgres://ada:a/b@db/shop", "postgres://[Filtered]:[Filtered]@db/shop"),
        ("postgres://ada:hunt...", "postgres://[Filtered]:[Filtered]..."),
        ("http://host:8080...", "http://host:8080..."),
        ("mysql -u root -phunter2 shop", "mysql -u root -p[Filtered] shop"),
        ("'['mysql', '-phunter2']' returned", "'['mysql', '-p[Filtered]']' returned"),
        ("curl -u 'ada:hunter2' http://shop", "curl -u '[Filtered]' http://shop"),
        ("docker login -u ada -p hunter2", "docker login -u ada -p [Filtered]"),
        ("redis-cli -a hunter2 ping", "redis-cli -a [Filtered] ping"),
        ("ldapsearch -x -w hunter2", "ldapsearch -x -w [Filtered]"),
        ("openssl rsa -passin pass:hunter2", "openssl rsa -passin pass:[Filtered]"),
        ("smbclient -U ada%hunter2 //h", "smbclient -U ada%[Filtered] //h"),
        ("machine h login ada password hunter2", "machine h login ada password [Filtered]"),
        ("jdbc:oracle:thin:ada/hunter2@h", "jdbc:oracle:thin:[Filtered]@h"),
        ("/x?X-Amz-Signature=0123456789abcdef0&a", "/x?X-Amz-Signature=[Filtered]&a"),
        ("IDENTIFIED WITH native BY 'hunter2'", "IDENTIFIED WITH native BY '[Filtered]'"),
        ("4111\xa01111\xa01111\xa01111", "[Filtered]"),
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nabc", "[Filtered]"),
        ("glrt-" + "a1b2" * 5, "[Filtered]"),
        ("hvs." + "a1b2" * 5, "[Filtered]"),
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


LONG = "Zq9" + "k3Jx" * 1999
"""Longer than all of a text that is looked at to tell whether it is a secret."""


@pytest.mark.parametrize(
    "form",
    [
        *("token=%s", "key: %s", "Cookie: sid=%s; x=1", "Authorization: %s", "Authorization: Bearer %s", "sid=%s&x=1"),
        *("token='%s'", '{"key": "%s"}', "/?token=%s&page=2", "<auth>%s</auth>", "tool --token %s -v", "API_KEY=a;%s"),
        *("password = a %s\nuser = x", "credentials={'a': '%s'} rest"),
    ],
)
def test_a_long_secret_is_hidden_to_its_end(form: str) -> None:
    assert shown(form % LONG) == shown(form % LONG[:11])


@pytest.mark.parametrize(
    "form",
    ["https://u:%s@h/", "postgres://u:a/%s@db/shop", "postgres://u:%s...", "x://%s:hunter2@h", "x://b:1/x://c:%s@h"],
)
def test_so_is_one_in_a_url(form: str) -> None:
    assert shown(form % LONG) == shown(form % LONG[:11]) != form % LONG[:11]


def test_so_is_one_that_changes_its_looks_there() -> None:
    for length in range(WORD - 12, WORD + 3):
        assert shown(f"password={'x' * length}(y)'z w") == "password=[Filtered] w"
        assert shown(f"<password>{'x' * length}<![CDATA[y]]></password>") == "<password>[Filtered]]]></password>"


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
        assert secrets.hide_in(texts | {"x" * 161, "password=x"}).keys() == {"password=x"}
        assert texts <= secrets.harmless
        assert len(secrets.harmless) <= HARMLESS_LIMIT
    assert not {"x" * 161, "password=x"} & secrets.harmless
    commands = {"/" * SHORT + "mysql", "/usr/bin/mysql"}
    assert secrets.look_at(commands).commands == secrets.look_at(commands).commands == {"/usr/bin/mysql"}


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
        ("    app.config['SECRET_KEY'] = 'x'", "    app.config['SECRET_KEY'] = '[Filtered]'"),
        ('    token: str = "x"', '    token: str = "x"'),
        ('    TOKEN_LIMIT: str = "x"', None),
        ('    api_token: str = "x"', '    api_token: str = "[Filtered]"'),
        ('    cache_key = f"user:{number}"', None),
        ('    headers = {"Authorization": f"Bearer {token}"}', None),
        ('    assert token.kind == "NAME"', None),
        ('    if event.key == "Enter":', None),
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
        *("password=a(", "password=a\\q", "A_KEY=", "password=İ", "password%3D", "password: x y\n", "key: [["),
        *("%2541", "key->", "password=''", "key\n x", "'password')", "<key a='", "machine x login ", "://a:b"),
        *("cache_key=", "token_type=[", "cache_key={'", "Cookie: a=b;", "\npassword: a ", "<token_type>"),
        *("a://b:c/d", "a://b:c/d@", "a@://", "http://a:b/c@", "://a...", "//:"),
        *("%41", "a.b@", "identified by '", "-p ", "https://hooks.", "sk-", "token\n"),
    ],
)
def test_no_text_takes_long(part: str) -> None:
    """Were the time that it takes square to its length, this would not end within the time that a test has."""
    text = part * (100_000 // len(part))
    assert SECRETS.hide(text) == SECRETS.hide(text)
