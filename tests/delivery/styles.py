"""Small transports, each of them a real one in its way: none does anything but what its docstring says."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from asyncsentry.transport.protocol import NoResponse, Request, Response, Settle, Turn
from delivery.material import OK

Answer = Callable[[Request], Response | NoResponse]


def take(_: Request) -> Response:
    return OK


class Nowhere:
    """Has nowhere to run a turn: a loop's transport, and no loop yet."""

    def later(self, delay: float, turn: Turn, /) -> bool:
        return False

    def send(self, request: Request, settle: Settle, /) -> None:
        raise AssertionError("nothing is sent outside a turn")

    def wait(self, idle: Future[None], timeout: float, /) -> bool:
        return idle.done()

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        return idle.done()


class InHand(Nowhere):
    """Keeps turns and sends until it is told to go on, as a loop does that is busy with something else."""

    def __init__(self) -> None:
        self.turns: deque[tuple[float, Turn]] = deque()
        self.sends: deque[tuple[Request, Settle]] = deque()
        self.closed_with: list[float] = []

    def later(self, delay: float, turn: Turn, /) -> bool:
        self.turns.append((delay, turn))
        return True

    def send(self, request: Request, settle: Settle, /) -> None:
        self.sends.append((request, settle))

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        self.closed_with.append(timeout)
        return idle.done()

    @property
    def delays(self) -> list[float]:
        return [round(delay, 6) for delay, _ in self.turns]

    def turn(self) -> None:
        """Run the turn that was asked for first."""
        _, turn = self.turns.popleft()
        turn()

    def turn_and_send(self) -> None:
        """Run turns until one has sent something: on a slow machine that is the one after that which has encoded it."""
        before = len(self.sends)
        while len(self.sends) == before:
            self.turn()

    def settle(self, outcome: Response | NoResponse = OK) -> None:
        _, settle = self.sends.popleft()
        settle(outcome)


class InPlace(Nowhere):
    """Sends before `later` returns, one turn after the other; it has no timers."""

    def __init__(self, answer: Answer = take) -> None:
        self.sent: list[Request] = []
        self._answer = answer
        self._waiting: deque[Turn] | None = None

    def later(self, delay: float, turn: Turn, /) -> bool:
        if delay > 0:
            return False
        if self._waiting is not None:
            self._waiting.append(turn)
            return True
        self._waiting = deque([turn])
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            self._waiting = None
        return True

    def send(self, request: Request, settle: Settle, /) -> None:
        self.sent.append(request)
        settle(self._answer(request))


class OnThread(Nowhere):
    """Runs turns and sends on a thread of its own, until it is closed; a delay is waited for."""

    def __init__(self, answer: Answer = take) -> None:
        self.sent: list[Request] = []
        self._answer = answer
        self._turns: queue.SimpleQueue[tuple[float, Turn] | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def later(self, delay: float, turn: Turn, /) -> bool:
        self._turns.put((delay, turn))
        return True

    def send(self, request: Request, settle: Settle, /) -> None:
        self.sent.append(request)
        settle(self._answer(request))

    def close(self, idle: Future[None], timeout: float, /) -> bool:
        self.stop()
        return idle.done()

    def stop(self) -> None:
        self._turns.put(None)
        self._ended.set()
        self._thread.join(20)

    @property
    def stopped(self) -> bool:
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (asked := self._turns.get()) is not None:
            delay, turn = asked
            self._ended.wait(delay)
            turn()


class NeverSettles(OnThread):
    """Sends, and never says what came of it."""

    def send(self, request: Request, settle: Settle, /) -> None:
        self.sent.append(request)


class SettlesTwice(InPlace):
    """Says twice what came of it, and is not of one mind."""

    def send(self, request: Request, settle: Settle, /) -> None:
        super().send(request, settle)
        settle(Response(500, {}))


class Raises:
    """Raises whatever is asked of it; a send only after it has begun."""

    def __init__(self, *, turns: bool) -> None:
        self.sent: list[Request] = []
        self._turns = turns

    def later(self, delay: float, turn: Turn, /) -> bool:
        if not self._turns:
            raise RuntimeError("no turns")
        if delay <= 0:
            turn()
        return delay <= 0

    def send(self, request: Request, settle: Settle, /) -> None:
        self.sent.append(request)
        raise RuntimeError("no sends")

    def wait(self, idle: Future[None], timeout: float, /) -> Any:
        raise RuntimeError("no waits")

    def close(self, idle: Future[None], timeout: float, /) -> Any:
        raise RuntimeError("no end")
