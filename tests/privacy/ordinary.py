"""Texts and values as programs have them that have nothing to hide."""

from __future__ import annotations

from typing import Final

TEXTS: Final = tuple(
    line.strip()
    for line in r"""
    order 17 of ada has no price
    GET /orders/17?page=2&size=25 HTTP/1.1
    http://shop.example/orders?sort=price&desc=1#top
    https://docs.python.org/3/library/asyncio-task.html#asyncio.Task.cancel
    KeyError: 'customer'
    KeyError: 'user_id' in row 5
    'str' object has no attribute 'keys'
    dict_keys(['a', 'b', 'c'])
    invalid key: customer
    duplicate key value violates unique constraint "orders_pkey"
    DETAIL:  Key (id)=(17) already exists.
    null value in column "name" of relation "orders" violates not-null constraint
    unexpected token: expected ',' but got '}'
    SyntaxError: invalid token (line 5)
    session closed by peer
    session: closed
    no session: nothing to do
    the author: Ada Lovelace
    author=Ada, year=1843
    keyboard=us, layout=intl
    monkey=3, donkey=4
    keyword: python
    tokens: 512
    max_tokens=1000, total_tokens=1512
    tokenizer=bert-base-uncased
    cookies: 2 of 3 accepted
    basic authentication is required
    Basic understanding of asyncio
    Bearer authentication is required
    a digest access scheme
    password is required
    the password must have eight characters
    wrong password
    secret santa is on Friday
    passwd: no such user
    inside = 5, outside = 6
    consider = True
    beside: nothing
    2026-11-29T08:41:40.123456Z
    1732871234.123456
    1732871234123
    1732871234123456
    1732871234123456789
    550e8400-e29b-41d4-a716-446655440000
    6ba7b810-9dad-11d1-80b4-00c04fd430c8
    da39a3ee5e6b4b0d3255bfef95601890afd80709
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    commit 34ff208c2dd8bb08e5ebf6d03525ccc3348aaaaa
    d41d8cd98f00b204e9800998ecf8427e
    +39 011 555 0142
    (212) 555-0187
    555-0142
    192.0.2.17
    2001:db8::17
    10.0.0.1:8080
    127.0.0.1 - - [29/Nov/2026:08:41:40 +0000] "GET / HTTP/1.1" 200 512
    ada@example.com
    Ada Lovelace <ada@example.com>
    mailto:ada@example.com
    978-3-16-148410-0
    9783161484100
    GB82WEST12345698765432
    v2.31.0+local.5
    1.0.0rc1
    /usr/lib/python3.13/asyncio/base_events.py
    C:\\Users\\ada\\AppData\\Local\\Temp
    /var/log/shop/2026-11-29.log
    s3://bucket/path/to/object
    file:///etc/hosts
    redis://cache:6379/0
    postgres://db/shop?sslmode=require
    amqp://broker:5672/%2F
    SELECT id, name FROM orders WHERE id = 17 AND state IN ('new', 'paid') ORDER BY id
    INSERT INTO orders (id, name) VALUES (%s, %s)
    UPDATE stock SET count = count - 1 WHERE sku = 'A-17-3'
    {"id": 17, "name": "Ada", "items": [{"sku": "A-17-3", "count": 2}]}
    {'id': 17, 'paid': False, 'express': None}
    <Order id=17 customer='ada' total=10.5>
    <object object at 0x7f4246d62020>
    <function f at 0x7f4246d62020>
    <class 'shop.orders.Order'>
    Order(id=17, customer='ada', items=[], total=Decimal('10.50'))
    Point(x=1, y=2)
    datetime.datetime(2026, 11, 29, 8, 41, 40)
    PosixPath('/var/log/shop')
    Connection refused: [Errno 111] ('10.0.0.1', 5432)
    timed out after 30.0 seconds
    HTTP 503: Service Unavailable
    status=200 bytes=5120 duration=0.123
    user=ada action=login result=ok
    level=info msg="order placed" id=17
    page=2&size=25&sort=date
    q=asyncio+task+groups&lang=en
    q=caff%C3%A8+e+latte
    multipart/form-data; boundary=----WebKitFormBoundary
    text/html; charset=utf-8
    Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36
    gzip, deflate, br
    en-US,en;q=0.9,it;q=0.8
    max-age=3600, must-revalidate
    W/"5e15153d-120f"
    python -m shop --verbose --port 8080
    pip install asyncsentry
    curl https://example.com -o page.html
    mysql --version
    mysqldump -u backup shop
    git commit -m "a message"
    ssh ada@host.example
    tar -xzf archive.tar.gz
    rows 1-100 of 12345
    100 %, 20 of 20
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
    0.1 0.2 0.3 0.4
    3.141592653589793238462643
    12345678901234567890
    0x7f4246d62020
    0o755
    1e-10
    (1, 2, 3)
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    lorem ipsum dolor sit amet, consectetur adipiscing elit
    The quick brown fox jumps over the lazy dog.
    Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich
    東京都千代田区
    Привет, мир
    to be, or not to be: that is the question
    Note: this is only a test.
    Warning: deprecated since 3.10
    TypeError: f() missing 1 required positional argument: 'x'
    ValueError: invalid literal for int() with base 10: 'ten'
    AssertionError: assert 1 == 2
    ZeroDivisionError: division by zero
    asyncio.exceptions.CancelledError
    Task <Task pending name='Task-1' coro=<main()>> took 0.123 seconds
    worker-3 finished 17 jobs in 2.5 s
    retry 2 of 5 in 4.0 seconds
    cache hit ratio 0.875
    queue: 17 waiting, 4 under way
    memory: 512 MiB of 2048 MiB
    thread MainThread (8672653312)
    pid=4242 ppid=1
    eth0: <BROADCAST,MULTICAST,UP> mtu 1500
    2x4 m, 30 kg
    EUR 1,234.50
    $12.99 a month
    order-2026-000017
    INV/2026/11/0042
    A-17-3
    sku: A-17-3, ean: 4006381333931
    track 1Z999AA10123456784
    flight LH 1234 on 2026-11-29
    room 12, floor 3
    latitude 45.0703, longitude 7.6869
    color: #ff8800
    <div class="price">10.50</div>
    <p>hello</p>
    **bold** and _italic_
    - [x] done
    def f(x): return x + 1
    for key in mapping: print(key)
    if token == '(':
    x = y if y else z
    lambda key: key.name
    import asyncsentry
    a = b"bytes"
    r"\d+\.\d+"
    %(asctime)s %(levelname)s %(message)s
    {name}: {value!r:>10}
    password=%s
    token={token}
    api_key=${API_KEY}
    password: None
    secret=null
    token=true
    password=********
    hello world
    yes
    no
    n/a
    unknown
    ok
    """.splitlines()
    if line.strip()
)

NUMBERS: Final = (
    *(0, 17, -1, 2**31, 2**53 - 1),
    *(1732871234, 1732871234123, 1732871234123456, 9783161484100, 4006381333931),
)

NAMES: Final = (
    *("id", "name", "title", "price", "count", "total", "items", "customer"),
    *("address", "city", "country", "zip", "phone", "email", "date", "time"),
    *("created", "updated", "state", "status", "method", "path", "url", "host"),
    *("port", "scheme", "page", "size", "sort", "order", "limit", "offset"),
    *("query", "filters", "results", "rows", "columns", "row", "value", "values"),
    *("index", "number", "text", "body", "headers", "encoding", "language", "version"),
    *("release", "build", "branch", "commit", "file", "filename", "folder", "line"),
    *("lines", "start", "end", "begin", "duration", "timeout", "retries", "delay"),
    *("backoff", "attempts", "level", "message", "error", "errors", "reason", "cause"),
    *("code", "exit", "signal", "thread", "process", "task", "loop", "future"),
    *("queue", "worker", "job", "pool", "connection", "socket", "peer", "client"),
    *("server", "request", "response", "user", "username", "first_name", "last_name", "age"),
    *("birthday", "gender", "role", "roles", "group", "groups", "permission", "allowed"),
    *("denied", "enabled", "disabled", "visible", "active", "deleted", "archived", "draft"),
    *("published", "parent", "child", "children", "root", "node", "edge", "graph"),
    *("tree", "depth", "breadth", "height", "width", "length", "weight", "color"),
    *("shape", "kind", "type", "category", "tag", "tags", "label", "labels"),
    *("description", "comment", "note", "notes", "summary", "detail", "product", "stock"),
    *("sku", "quantity", "discount", "tax", "currency", "amount", "balance", "invoice"),
    *("payment", "shipping", "delivery", "carrier", "tracking", "latitude", "longitude", "altitude"),
    *("region", "timezone", "locale", "format", "template", "context", "environment", "settings"),
    *("options", "flags", "config", "args", "kwargs", "self", "cls", "data"),
    *("result", "output", "input", "stream", "buffer", "chunk", "offset", "position"),
    *("cursor", "table", "schema", "database", "model"),
)
