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
    secret "db-creds" not found
    secrets "db-creds" is forbidden: User "x" cannot get resource "secrets"
    {"sort": "key", "order": "asc"}
    {"field": "token", "message": "this is wrong", "code": 5}
    {"required": ["id", "password", "email"]}
    ["id", "password", "email"]
    ('id', 'token', 'email')
    {"error": "invalid_token", "error_description": "The access token expired"}
    password: This field is required.
    password - This field is required.
    password must match confirmation
    Password reset for user 17
    token expired at 2026-11-29T08:41:40
    Token has expired
    token: expired
    Token refresh failed: 401
    session 17 opened for user root
    session opened for user root by (uid=0)
    key 'customer' not found in {'a': 1}
    key error: customer
    KeyError: 'session_id'
    KeyError: 'password'
    missing keys: a, b
    primary key: id
    foreign key constraint fails (`shop`.`orders`, CONSTRAINT `fk`)
    Duplicate entry '17' for key 'PRIMARY'
    Duplicate entry 'ada@example.com' for key 'users.email_unique'
    SELECT key, value FROM settings WHERE key = 'theme'
    SELECT "users"."id", "users"."password" FROM "users" WHERE "users"."id" = 17
    SELECT * FROM sessions WHERE session_id = $1
    INSERT INTO tokens (id, token) VALUES (%s, %s)
    UPDATE users SET password = %s WHERE id = %s
    SELECT * FROM auth_user WHERE username = 'ada'
    SELECT COUNT(*) FROM django_session
    DELETE FROM oauth2_provider_accesstoken WHERE expires < now()
    CREATE TABLE users (id INT PRIMARY KEY, password VARCHAR(255) NOT NULL)
    ALTER TABLE users ADD COLUMN token text
    relation "auth_token" does not exist
    column "password" of relation "users" does not exist
    function authenticate() called
    Authentication failed for user ada
    authentication: failed
    auth failed: wrong password for ada
    GET /api/v1/keys?page=2 HTTP/1.1
    POST /auth/login 401
    GET /oauth/token?grant_type=client_credentials
    GET /users/17/sessions HTTP/1.1
    http://localhost:3000/@vite/client
    https://medium.com/@ada/post
    https://github.com/ada/shop/blob/main/auth.py#L17
    https://example.com:8443/path@2x.png
    http://10.0.0.1:8080/x, ada@example.com
    https://cdn.jsdelivr.net/npm/vue@3.2.0/dist/vue.js
    redis://cache:6379/0 and ada@example.com
    redis://cache:6379/0?x=ada@example.com
    mongodb://a,b,c/shop?replicaSet=x
    git@github.com:ada/shop.git
    ssh://git@github.com/ada/shop.git
    sk-learn is a library
    sk-estimator-with-long-name-here
    task-key-0123
    hf_hub_download
    npm_config_registry
    hvs.example
    dp.pt.x
    key-value store
    key-7
    apikey header missing
    x-api-key header missing
    Missing header: X-Api-Key
    expected header 'Authorization'
    Authorization header is missing
    Authorization: required
    authorization failed: no such user
    Basic auth is disabled
    Bearer token missing
    bearer token is invalid
    Cookie: none
    cookies: a, b
    cookie consent: yes
    Set-Cookie header ignored
    curl: (7) Failed to connect to localhost port 80
    curl -X POST http://x -d a=1
    http -a
    wget https://x/y.tar.gz -O y
    mysql -h db -u root shop
    docker login failed
    docker run -p 8080:80 nginx
    docker login registry && docker run -p 8080:80 x
    redis-cli ping
    ldapsearch -x
    pass: 5, fail: 2
    tests pass: 17
    5 passed, 2 failed
    bypass=true
    passed=17
    compass: north
    num_passes=3
    passenger=Ada
    login ada password wrong
    user logged in: session=new
    state.key == 'Enter'
    if request.method == "POST" and token != "x":
    TypeError: f() got an unexpected keyword argument 'token'
    TypeError: connect() missing 1 required positional argument: 'password'
    AttributeError: 'Session' object has no attribute 'key'
    psycopg2.errors.UniqueViolation: duplicate key value violates unique constraint "users_pkey"
    [SQL: INSERT INTO users (name, password) VALUES (%(name)s, %(password)s)]
    django.db.utils.IntegrityError: UNIQUE constraint failed: auth_user.username
    botocore.exceptions.NoCredentialsError: Unable to locate credentials
    botocore.exceptions.ClientError: An error occurred (ExpiredToken): The provided token has expired.
    jwt.exceptions.ExpiredSignatureError: Signature has expired
    json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
    redis.exceptions.AuthenticationError: invalid username-password pair
    asyncpg.exceptions.InvalidPasswordError: password authentication failed for user "ada"
    FATAL:  password authentication failed for user "ada"
    Access denied for user 'ada'@'localhost' (using password: YES)
    smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted')
    requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.example.com/keys/17
    openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided'}}
    <button type="button" id="token">Go</button>
    <label for="password">Password</label>
    <input type="text" name="q" value="pears">
    <td class="key">Name</td><td class="value">Ada</td>
    <key>Name</key>
    a + b = c
    1+1=2
    100% of 5%
    50%+ of all
    q=password+reset&page=2
    q=key%3A+value
    search?q=how+to+reset+password%3F&lang=en
    /path/with%20spaces/and%2Fslash
    utm_source=news&utm_campaign=a+b
    time=2026-11-29T08%3A41%3A40%2B00%3A00
    level=info session=open user=ada
    level=error msg="token expired" code=17
    [2026-11-29 08:41:40] auth.INFO: user ada logged in
    auth.service: Main process exited
    systemd-logind[1]: New session 17 of user ada.
    sshd[17]: pam_unix(sshd:session): session opened for user ada
    sshd[17]: Failed password for invalid user ada from 10.0.0.1 port 22 ssh2
    kernel: keyboard: ok
    s3://bucket/key/name
    Bucket: b, Key: path/to/file.txt
    bucket='b' key='path/to/file.txt'
    routing_key='orders.new' exchange='shop'
    partition_key=17
    cache_key: user:17
    object_key=images/2026/11/a.png
    kafka key=b'17' value=b'x'
    token_type: bearer
    token_count=512
    key_type=rsa key_size=2048
    session_timeout=30
    auth_method=password
    password_changed_at=2026-11-29
    author_id=17
    identity column
    is_authenticated=True
    authenticated: yes
    key: value
    foo: bar, key: baz
    Key(id)=(17)
    CreditCard(last4='1111')
    order 4000000000000000
    1234567890123456
    5555555555554445
    trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
    etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"
    hello world
    yes
    no
    n/a
    unknown
    ok
    """.splitlines()
    if line.strip()
)

LINES: Final = tuple(
    line.strip()
    for line in r"""
    for key, value in pairs.items():
    cache_key = f"user:{user_id}"
    cache_key = "users"
    key="name",
    token = lexer.next_token()
    assert token.type == "NAME"
    if self.peek().token == "(":
    session = requests.Session()
    session: Session = Depends(get_session)
    async with aiohttp.ClientSession() as session:
    def __init__(self, key: str = "id", session: str | None = None) -> None:
    password = models.CharField(max_length=128)
    password: str = Field(min_length=8, description="The password")
    password = forms.CharField(label="Password", widget=forms.PasswordInput)
    raise ValueError("password must not be empty")
    raise KeyError(f"no key {key!r}")
    logger.info("token %s", token)
    parser.add_argument("--token", help="the token")
    parser.add_argument("--password", required=True, help="the password")
    os.environ["SECRET_KEY"]
    os.environ.get("API_KEY", "")
    config["session"]["timeout"] = 5
    headers = {"Authorization": f"Bearer {token}"}
    headers={"X-Api-Key": settings.API_KEY}
    data["password"] = hash(data["password"])
    if "password" in data:
    data.pop("password", None)
    getattr(user, "password", None)
    t = _("Password")
    sorted(rows, key=lambda row: row["name"])
    max(d, key=d.get)
    sort_keys=True, ensure_ascii=False
    author = "Ada"
    monkeypatch.setattr(x, "token", 5)
    KEY_NAME = "customer"
    TOKEN_URL = "https://example.com/oauth/token"
    SESSION_COOKIE_NAME = "shop"
    PASSWORD_MIN_LENGTH = 8
    AUTH_USER_MODEL = "shop.User"
    AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    PASSWORD_HASHERS = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth",
    """.splitlines()
    if line.strip()
)
"""Of programs."""

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
