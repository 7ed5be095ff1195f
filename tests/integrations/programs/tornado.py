"""The shop on Tornado's own server."""

from __future__ import annotations

import asyncio
import signal

from tornado.ioloop import IOLoop
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

import asyncsentry
from asyncsentry.integrations.tornado import setup
from integrations.programs import shop


class Counter(RequestHandler):
    """What all of the shop's handlers do first."""

    def prepare(self) -> None:
        if self.request.path == "/middleware":
            raise shop.Broken("middleware")


class Fine(Counter):
    def get(self) -> None:
        self.write("fine")


class Fail(Counter):
    def get(self) -> None:
        shop.fail("fail")


class Chained(Counter):
    async def get(self) -> None:
        shop.fail_in_a_chain()


class Handled(Counter):
    def get(self) -> None:
        shop.handle()


class Refused(Counter):
    def get(self) -> None:
        raise HTTPError(403)


class Unavailable(Counter):
    def get(self) -> None:
        raise HTTPError(503)


class Page(Counter):
    """Answers its own errors."""

    def get(self) -> None:
        try:
            raise shop.Broken(self.request.path[1:])
        except shop.Broken as error:
            if self.request.path == "/excused":
                self.send_error(404)
                return
            asyncsentry.capture_exception(error)
            self.set_status(500)
            self.write(asyncsentry.last_event_id() or "")


class Stream(Counter):
    async def get(self) -> None:
        self.set_header("Content-Length", "100")
        self.write("begun")
        await self.flush()
        raise shop.Broken("stream")


class Endless(Counter):
    async def get(self) -> None:
        try:
            while True:
                self.write("more")
                await self.flush()
                await asyncio.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")


class Background(Counter):
    def get(self) -> None:
        IOLoop.current().spawn_callback(shop.fail_later, "background")


class Echo(Counter):
    def post(self) -> None:
        body = self.request.body
        if self.get_query_argument("fail", None) is not None:
            shop.fail("echo")
        self.write(body)


class Unread(Counter):
    def post(self) -> None:
        shop.fail("unread")


class Late(Counter):
    def post(self) -> None:
        asyncsentry.capture_message("late")
        self.write(self.request.body)


class Item(Counter):
    def get(self, number: str) -> None:
        shop.fail("item")


class User(Counter):
    async def get(self, number: str) -> None:
        shop.serve_user(number)
        await shop.meet(int(self.get_query_argument("of", "1")))
        shop.fail_for_user(number)


class Plain(Counter):
    def get(self) -> None:
        asyncsentry.capture_message("plain")


class Timeout(Counter):
    async def get(self) -> None:
        await shop.time_out()


class Scopes(Counter):
    async def get(self, where: str) -> None:
        await shop.INSIDE[where]()
        raise shop.Broken(f"outside {where}")


class Socket(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        word, _, rest = str(message).partition(" ")
        if word == "fail":
            raise shop.Broken("socket")
        if word == "tag":
            asyncsentry.set_tag("number", rest)
        _ = self.write_message(message)


application = Application(
    [
        (r"/fine", Fine),
        (r"/fail", Fail),
        (r"/chained", Chained),
        (r"/handled", Handled),
        (r"/refused", Refused),
        (r"/unavailable", Unavailable),
        (r"/page|/excused", Page),
        (r"/middleware", Fine),
        (r"/stream", Stream),
        (r"/endless", Endless),
        (r"/background", Background),
        (r"/echo", Echo),
        (r"/unread", Unread),
        (r"/late", Late),
        (r"/item/(?P<number>\d+)", Item),
        (r"/user/(\d+)", User),
        (r"/plain", Plain),
        (r"/timeout", Timeout),
        (r"/scopes/(\w+)", Scopes),
        (r"/socket", Socket),
    ]
)
setup(application, **shop.options())
asyncsentry.capture_message("early")


async def main() -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, ending.set)
    with shop.listen() as door:
        port = door.getsockname()[1]
    server = application.listen(port, "127.0.0.1")
    shop.announce(port)
    await ending.wait()
    server.stop()
    await server.close_all_connections()
    asyncsentry.capture_message("goodbye")


if __name__ == "__main__":
    asyncio.run(main())
