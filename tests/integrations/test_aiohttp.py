"""What is particular to aiohttp: applications in applications, who answers an error, clients that go, breadcrumbs."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, FormData, web

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.aiohttp import setup, trace_config
from asyncsentry.testing import Answer, LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLED, UNHANDLED = ("aiohttp", True), ("aiohttp", False)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@asynccontextmanager
async def serving(app: web.Application, **given: Any) -> AsyncIterator[str]:
    """The address of an application that runs on a free port."""
    runner = web.AppRunner(app, **given)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def status_of(url: str) -> tuple[int, str | None]:
    """The status of an answer, and the event that it names."""
    async with ClientSession() as session, session.get(url) as answer:
        await answer.read()
        return answer.status, answer.headers.get("X-Sentry-ID")


async def fail(_: web.Request) -> web.StreamResponse:
    raise Broken("fail")


async def fine(_: web.Request) -> web.StreamResponse:
    return web.Response(text="fine")


def answering(status: int) -> Any:
    """A middleware that answers an error with a page of its own."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Broken:
            return web.Response(status=status, text="sorry")

    return answer


def application(handler: Handler = fail, *middlewares: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app.router.add_route("*", "/at/{place}", handler)
    return app


def one_request(app: web.Application, path: str = "/at/1") -> tuple[int, str | None]:
    async def main() -> tuple[int, str | None]:
        async with serving(app) as url:
            return await status_of(url + path)

    return asyncio.run(main())


def kinds(sentry: LocalSentry) -> list[tuple[str, bool]]:
    return [mechanism(event) for event in sentry.events]


# Set-up


def test_of_a_second_call_the_arguments_count(client: Client[Any], open_client: OpenClient) -> None:
    app = application()
    setup(app, client=open_client(dsn=""))
    setup(app, client=client, failed_request_status_codes=[599])
    assert one_request(app)[0] == 500
    assert client.stats()["error"].captured == 1
    assert len(app.middlewares) == 1


def test_an_application_that_runs_is_set_up_too_late(client: Client[Any]) -> None:
    async def main() -> None:
        app = application()
        async with serving(app):
            with pytest.raises(OptionError, match="before the application starts"):
                setup(app, client=client)

    asyncio.run(main())


def test_an_application_whose_start_has_failed_is_watched_when_it_starts_after_all(
    client: Client[Any], sentry: LocalSentry
) -> None:
    starts = iter([Broken("start")])

    async def start(_: web.Application) -> None:
        for error in starts:
            raise error

    app = application()
    setup(app, client=client)
    app.on_startup.append(start)

    async def main() -> int:
        with pytest.raises(Broken, match="start"):
            await web.AppRunner(app).setup()
        async with serving(app) as url:
            return (await status_of(f"{url}/at/1"))[0]

    assert asyncio.run(main()) == 500
    assert kinds(sentry) == [UNHANDLED, UNHANDLED]


def test_a_request_that_is_answered_waits_for_no_collection_of_garbage(client: Client[Any]) -> None:
    requests: list[weakref.ref[web.Request]] = []

    async def note(request: web.Request) -> web.Response:
        requests.append(weakref.ref(request))
        return web.Response()

    app = application(note)
    setup(app, client=client)
    gc.disable()
    try:
        assert one_request(app)[0] == 200
        assert [request() for request in requests] == [None]
    finally:
        gc.enable()


@web.middleware
async def let_pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@pytest.mark.parametrize("middlewares", [[], [let_pass]], ids=["alone", "with-another"])
def test_an_application_that_is_watched_no_more_goes_on(
    client: Client[Any], sentry: LocalSentry, middlewares: list[Any]
) -> None:
    app = application(fail, *middlewares)
    before = set(vars(app))

    async def main() -> None:
        uninstall = setup(app, client=client)
        async with serving(app) as url:
            assert await status_of(f"{url}/at/1") == (500, sentry.events[0]["event_id"])
            uninstall()
            uninstall()
            assert await status_of(f"{url}/at/1") == (500, None)

    asyncio.run(main())
    assert kinds(sentry) == [UNHANDLED]
    assert set(vars(app)) == before


def test_an_application_that_is_watched_no_more_when_it_starts_is_left_alone(
    client: Client[Any], sentry: LocalSentry
) -> None:
    app = application()
    setup(app, client=client)()
    assert one_request(app) == (500, None)
    assert sentry.events == ()


def test_what_fails_after_the_watch_has_ended_is_not_reported(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    uninstall = setup(app, client=client)

    async def start(_: web.Application) -> None:
        uninstall()
        raise Broken("start")

    app.on_startup.append(start)
    with pytest.raises(Broken):
        asyncio.run(web.AppRunner(app).setup())
    assert sentry.events == ()


def test_a_client_without_hooks_hears_of_a_start_that_fails(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)

    async def context(_: web.Application) -> AsyncIterator[None]:
        raise Broken("start")
        yield

    app.cleanup_ctx.append(context)
    with pytest.raises(Broken):
        asyncio.run(web.AppRunner(app).setup())
    assert list(map(outline, sentry.events)) == ["Broken: start"]


def test_all_is_sent_when_the_application_has_ended(sentry: LocalSentry) -> None:
    client = Client(sentry.dsn_for("asyncio"))
    app = application()
    setup(app, client=client)

    async def say_goodbye(_: web.Application) -> None:
        client.capture_message("goodbye")

    async def main() -> None:
        async with serving(app) as url:
            sentry.always(Answer(delay=0.3))
            await status_of(f"{url}/at/1")
        assert sorted(map(outline, sentry.events)) == ["Broken: fail", "goodbye"]
        await client.close_async()

    app.on_cleanup.append(say_goodbye)
    asyncio.run(main())


# Who answers


def test_an_error_that_a_middleware_answers_is_handled(client: Client[Any], sentry: LocalSentry) -> None:
    app = application(fail, answering(500))
    setup(app, client=client)
    status, event_id = one_request(app)
    assert (status, event_id) == (500, sentry.events[0]["event_id"])
    assert kinds(sentry) == [HANDLED]


def test_a_middleware_that_comes_after_the_set_up_answers_as_well(client: Client[Any], sentry: LocalSentry) -> None:
    app = application()
    setup(app, client=client)
    app.middlewares.append(answering(503))
    app.middlewares.insert(0, answering(500))
    assert one_request(app)[0] == 503
    assert kinds(sentry) == [HANDLED]


@pytest.mark.parametrize("status", [200, 404])
def test_an_error_that_is_answered_well_is_none(client: Client[Any], sentry: LocalSentry, status: int) -> None:
    app = application(fail, answering(status))
    setup(app, client=client)
    assert one_request(app) == (status, None)
    assert sentry.events == ()


def test_the_application_says_which_answers_are_failures(client: Client[Any], sentry: LocalSentry) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPForbidden if request.match_info["place"] == "1" else web.HTTPBadGateway

    app = application(refuse)
    setup(app, client=client, failed_request_status_codes={403})
    assert one_request(app)[0] == 403
    app = application(refuse)
    setup(app, client=client, failed_request_status_codes={403})
    assert one_request(app, "/at/2") == (502, None)
    assert [outline(event) for event in sentry.events] == ["HTTPForbidden: Forbidden"]


def test_a_handler_that_takes_too_long_has_failed_though_aiohttp_does_not_log_it(
    client: Client[Any], sentry: LocalSentry
) -> None:
    async def time_out(_: web.Request) -> web.StreamResponse:
        raise asyncio.TimeoutError

    app = application(time_out)
    setup(app, client=client)
    assert one_request(app)[0] == 504
    assert kinds(sentry) == [UNHANDLED]


# Applications in applications


def test_an_application_in_another_one_is_watched_with_it(client: Client[Any], sentry: LocalSentry) -> None:
    outer = web.Application()
    outer.add_subapp("/inner", application())
    setup(outer, client=client)
    assert one_request(outer, "/inner/at/1") == (500, sentry.events[0]["event_id"])
    assert kinds(sentry) == [UNHANDLED]
    assert [event["transaction"] for event in sentry.events] == ["/inner/at/{place}"]


def test_an_application_in_another_one_that_answers_its_own_errors_is_set_up_as_well(
    client: Client[Any], sentry: LocalSentry
) -> None:
    @web.middleware
    async def know(request: web.Request, handler: Handler) -> web.StreamResponse:
        client.set_tag("known", "outside")
        return await handler(request)

    inner, outer = application(fail, answering(500)), web.Application(middlewares=[know])
    setup(inner, client=client)
    outer.add_subapp("/inner", inner)
    setup(outer, client=client)
    status, event_id = one_request(outer, "/inner/at/1")
    assert (status, event_id) == (500, sentry.events[0]["event_id"])
    assert kinds(sentry) == [HANDLED]
    assert sentry.events[0]["tags"] == {"known": "outside"}


def test_an_application_in_another_one_may_be_watched_alone(client: Client[Any], sentry: LocalSentry) -> None:
    inner, outer = application(), application()
    setup(inner, client=client)
    outer.add_subapp("/inner", inner)

    async def main() -> None:
        async with serving(outer) as url:
            assert await status_of(f"{url}/at/1") == (500, None)
            assert await status_of(f"{url}/inner/at/1") == (500, sentry.events[0]["event_id"])

    asyncio.run(main())
    assert kinds(sentry) == [UNHANDLED]


# Scopes


def test_a_task_that_outlives_its_request_knows_the_request(client: Client[Any], sentry: LocalSentry) -> None:
    tasks = []

    async def handle(request: web.Request) -> web.StreamResponse:
        client.set_tag("place", request.match_info["place"])

        async def go_on() -> None:
            await asyncio.sleep(0.05)
            client.capture_message("later")

        tasks.append(asyncio.create_task(go_on()))
        return web.Response()

    async def main() -> None:
        async with serving(app) as url:
            assert await status_of(f"{url}/at/1") == (200, None)
            assert await status_of(f"{url}/at/2") == (200, None)
            await asyncio.gather(*tasks)

    app = application(handle)
    setup(app, client=client)
    asyncio.run(main())
    assert sorted((event["tags"]["place"], event["request"]["url"][-5:]) for event in sentry.events) == [
        ("1", "/at/1"),
        ("2", "/at/2"),
    ]


def test_a_page_that_is_not_there_is_named_by_its_address(client: Client[Any], sentry: LocalSentry) -> None:
    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        client.capture_message("asked")
        return await handler(request)

    app = application(fine, tell)
    setup(app, client=client)
    status, event_id = one_request(app, "/no/such?page=1")
    assert (status, event_id) == (404, sentry.events[0]["event_id"])
    assert sentry.events[0]["transaction"] == "/no/such"
    assert sentry.events[0]["transaction_info"] == {"source": "url"}


# Bodies and addresses


def test_the_fields_of_a_form_are_shown_and_its_files_by_their_names(client: Client[Any], sentry: LocalSentry) -> None:
    async def take(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        uploaded = form["list"]
        assert isinstance(uploaded, web.FileField)
        with uploaded.file:
            raise Broken("form")

    app = application(take)
    setup(app, client=client)
    form = FormData({"fruit": "pears", "password": "sesame"})
    form.add_field("list", b"a secret list", filename="list.txt")

    async def main() -> None:
        async with serving(app) as url, ClientSession() as session, session.post(f"{url}/at/1", data=form) as answer:
            assert answer.status == 500

    asyncio.run(main())
    (event,) = sentry.events
    shown = {"fruit": "pears", "password": "[Filtered]", "list": "list.txt"}
    assert event["request"]["data"] == shown


@pytest.mark.parametrize("place", ["loopback", "folder"])
def test_a_request_that_does_not_say_to_whom_it_goes_is_described(
    client: Client[Any], sentry: LocalSentry, place: str, tmp_path: Any
) -> None:
    async def main() -> None:
        runner = web.AppRunner(app)
        await runner.setup()
        if place == "loopback":
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            reader, writer = await asyncio.open_connection(*runner.addresses[0])
        else:
            await web.UnixSite(runner, str(tmp_path / "socket")).start()
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "socket"))
        writer.write(b"GET /at/1 HTTP/1.0\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.0 500")
        writer.close()
        await runner.cleanup()

    app = application()
    setup(app, client=client)
    asyncio.run(main())
    (event,) = sentry.events
    assert event["request"]["url"] == ("http://127.0.0.1/at/1" if place == "loopback" else "http://localhost/at/1")


# Clients that go


async def write_on(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"more" * 1000)
        await asyncio.sleep(0)


async def read_all(request: web.Request) -> web.StreamResponse:
    return web.Response(body=await request.read())


GET = b"GET /at/1 HTTP/1.1\r\nHost: shop\r\n\r\n"
CUT_OFF = b"POST /at/1 HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nto be"


@pytest.mark.parametrize(("handler", "request_text"), [(write_on, GET), (read_all, CUT_OFF)])
@pytest.mark.parametrize("cancel", [False, True], ids=["told", "cancelled"])
def test_that_a_client_goes_is_no_error(
    client: Client[Any], sentry: LocalSentry, handler: Handler, request_text: bytes, cancel: bool
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    errors: list[type[BaseException]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        began.set()
        try:
            return await handler(request)
        except BaseException as error:
            errors.append(type(error))
            raise
        finally:
            ended.set()

    async def main() -> None:
        async with serving(app, handler_cancellation=cancel) as url:
            host, port = url[7:].split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(request_text)
            await began.wait()
            writer.transport.abort()
            await ended.wait()

    app = application(handle)
    setup(app, client=client)
    unhook = hooks.logging.install(client)
    logging.getLogger("aiohttp.server").disabled = False
    try:
        asyncio.run(main())
    finally:
        unhook()
    assert len(errors) == 1
    assert list(map(outline, sentry.events)) == []


# Breadcrumbs of requests to others


def test_requests_to_others_leave_breadcrumbs(client: Client[Any], sentry: LocalSentry) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.match_info["place"]))

    async def main() -> None:
        async with serving(application(answer)) as url, ClientSession(trace_configs=[trace_config(client)]) as session:
            for status in ("200", "404", "500"):
                with_password = url.replace("://", "://ada:lovelace@")
                async with session.get(f"{with_password}/at/{status}?page=2&token=sesame") as answer_of_other:
                    await answer_of_other.read()
            with pytest.raises(ClientConnectionError):
                await session.post("http://127.0.0.1:1/at/1")
        client.capture_message("all")

    asyncio.run(main())
    (event,) = sentry.events
    crumbs = [crumb for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "http"]
    assert [(crumb["type"], crumb["level"]) for crumb in crumbs] == [
        ("http", "info"),
        ("http", "warning"),
        ("http", "error"),
        ("http", "error"),
    ]
    assert crumbs[1]["data"]["method"] == "GET"
    assert crumbs[1]["data"]["status_code"] == 404
    assert crumbs[1]["data"]["url"].endswith("/at/404?page=2&token=[Filtered]")
    assert crumbs[3]["data"]["error"] == "ClientConnectorError"
    assert "lovelace" not in str(crumbs)
    assert "sesame" not in str(crumbs)


def test_of_their_urls_is_shown_what_may_be(open_client: OpenClient, sentry: LocalSentry) -> None:
    client = open_client(data_collection={"url_query_params": {"mode": "off"}})

    async def main() -> None:
        async with ClientSession(trace_configs=[trace_config(client)]) as session:
            with pytest.raises(ClientConnectionError):
                await session.post("http://127.0.0.1:1/at/1?page=2#part")
        client.capture_message("all")

    asyncio.run(main())
    (crumb,) = sentry.events[0]["breadcrumbs"]["values"]
    assert crumb["data"]["url"] == "http://127.0.0.1:1/at/1"


def test_what_goes_to_the_server_of_the_client_leaves_none(client: Client[Any], sentry: LocalSentry) -> None:
    async def main() -> None:
        async with ClientSession(trace_configs=[trace_config(client)]) as session:
            async with session.post(sentry.url, data=b"nonsense") as answer:
                assert answer.status >= 400
            async with session.post(sentry.url.replace("/1/", "/2/")) as answer:
                assert answer.status >= 400
        client.capture_message("all")

    asyncio.run(main())
    crumbs = sentry.events[0]["breadcrumbs"]["values"]
    assert [crumb["data"]["url"] for crumb in crumbs] == [sentry.url.replace("/1/", "/2/")]
