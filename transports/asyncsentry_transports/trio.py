"""Sending on trio, with its own streams."""

from __future__ import annotations

from collections.abc import Awaitable
from concurrent.futures import Future
from functools import partial

import trio

from asyncsentry.errors import OptionError
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Settle, Turn
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._patience import PATIENCE
from asyncsentry_transports._trio_binding import Binding
from asyncsentry_transports._trio_pool import Pool
from asyncsentry_transports._trio_run import Token, ask, present_run, wait
from asyncsentry_transports._turns import run
from asyncsentry_transports._vigil import Vigil
from asyncsentry_transports._waiting import Waiting


class TrioTransport:
    """Runs turns and sends in the runs of trio that capture: each has a binding, made at its first turn.

    A turn runs in the run of the thread that asks for it, or, asked for from elsewhere, in one that is bound already.
    """

    def __init__(self, settings: Settings, *, nursery: trio.Nursery | None = None) -> None:
        """``nursery``: where to send, instead of a system task. Then all is sent in the nursery's run.

        Raises `OptionError` for one of no run that is here.
        """
        self._settings = settings
        self._tls = TlsContext(settings)
        self._nursery = nursery
        self._home = None if nursery is None else present_run()
        if nursery is not None and self._home is None:
            raise OptionError("a transport that is given a nursery has to be made in the nursery's own run")
        self._bindings: dict[Token, Binding] = {}
        self._closed = False

    def later(self, delay: float, turn: Turn, /) -> bool:
        """Run the turn in this thread's run, or in one that has captured before; False where there is none."""
        token = self._home or present_run() or self._bound_run()
        if self._closed or token is None or self._has_ended(token):
            return False
        return self._ask(token, partial(self._turn, token, delay, turn))

    def send(self, request: Request, settle: Settle, /) -> None:
        """Send in the turn's run."""
        token = present_run()
        binding = None if token is None else self._bindings.get(token)
        if binding is None:
            settle(NoResponse(Cancelled("the run has ended"), sent=False))
        else:
            binding.send(request, settle)

    def wait(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait in whatever run it is awaited."""
        return Waiting(partial(wait, idle, timeout))

    def close(self, idle: Future[None], timeout: float, /) -> Awaitable[bool]:
        """Wait, then end in every run; all that happens too if nobody awaits it."""
        if timeout > 0 and not idle.done():
            for token, binding in list(self._bindings.items()):
                self._ask(token, partial(binding.turn, timeout, self._end))
            idle.add_done_callback(lambda _: self._end())
        else:
            self._end()
        return Waiting(partial(self._close, idle, timeout))

    async def _close(self, idle: Future[None], timeout: float) -> bool:
        done = await wait(idle, timeout)
        self._end()
        for binding in list(self._bindings.values()):
            if not await wait(binding.over, PATIENCE):
                binding.abandon("the transport was closed")
        return done

    def _end(self) -> None:
        """Tell every run to end; from any thread, and as often as you like."""
        self._closed = True
        for token, binding in list(self._bindings.items()):
            self._ask(token, binding.hurry)

    def _turn(self, token: Token, delay: float, turn: Turn) -> None:
        if self._closed:
            return
        binding = self._bindings.get(token)
        if binding is None:
            self._forget_gone()
            binding = Binding(token, Pool(self._settings, self._tls), Vigil(self._settings), self._nursery)
            binding.start()
            self._bindings[token] = binding
        binding.turn(delay, turn)

    def _ask(self, token: Token, function: Turn) -> bool:
        """Have something run there, if anything runs there any more."""
        if ask(token, partial(run, function)):
            return True
        if (gone := self._bindings.pop(token, None)) is not None:
            gone.bury()
        return False

    def _forget_gone(self) -> None:
        for token in list(self._bindings):
            self._ask(token, _nothing)

    def _bound_run(self) -> Token | None:
        bound = [token for token, binding in list(self._bindings.items()) if not binding.ended]
        return bound[-1] if bound else None

    def _has_ended(self, token: Token) -> bool:
        binding = self._bindings.get(token)
        return binding is not None and binding.ended


def _nothing() -> None:
    pass
