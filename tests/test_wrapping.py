"""``capture_exceptions``, around blocks and functions of every colour: what is raised is captured, and goes on."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, suppress
from typing import Any, NoReturn

import pytest

from asyncsentry.wrapping import Capturing, capturing

Captured = list[BaseException]


@pytest.fixture
def captured() -> Captured:
    return []


@pytest.fixture
def capture_exceptions(captured: Captured) -> Callable[..., Any]:
    return lambda *given: capturing(captured.append, given)


def fail(error: BaseException) -> NoReturn:
    raise error


def raised(function: Callable[[], Any]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which it is, is what the caller asks
        function()
    return caught.value


# Blocks


def test_what_a_block_raises_is_captured_and_goes_on(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    error = KeyError()

    def block() -> None:
        with capture_exceptions():
            raise error

    assert raised(block) is error
    assert captured == [error]


def test_what_an_async_block_raises_is_captured_and_goes_on(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    error = KeyError()

    async def block() -> None:
        async with capture_exceptions():
            await asyncio.sleep(0)
            raise error

    assert raised(lambda: asyncio.run(block())) is error
    assert captured == [error]


def test_a_block_that_raises_nothing_captures_nothing(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    with capture_exceptions() as nothing:
        pass
    assert nothing is None
    assert captured == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit(), asyncio.CancelledError()])
def test_what_ends_a_program_or_a_task_is_no_failure(
    error: BaseException, capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    with suppress(BaseException), capture_exceptions():
        raise error
    assert captured == []


def test_only_the_errors_that_are_named_are_captured(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    errors = [KeyError(), IndexError(), ValueError(), SystemExit()]
    for error in errors:
        with suppress(BaseException), capture_exceptions(LookupError, SystemExit):
            raise error
    assert captured == [errors[0], errors[1], errors[3]]


def test_what_names_no_error_is_passed_over(capture_exceptions: Callable[..., Any], captured: Captured) -> None:
    error = KeyError()
    with suppress(KeyError), capture_exceptions(KeyError, "nonsense", 5):
        raise error
    with suppress(KeyError), capture_exceptions("nonsense", 5):
        raise error
    assert captured == [error, error]


# Functions


def test_a_function_is_wrapped_bare_or_with_parentheses(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    def plain(one: int, *, by: int = 1) -> float:
        """Divide."""
        return one / by if by else fail(KeyError(one))

    for wrap in (capture_exceptions, capture_exceptions(), capture_exceptions(LookupError)):
        divide = wrap(plain)
        assert (divide.__name__, divide.__doc__) == ("plain", "Divide.")
        assert divide(4, by=2) == 2
        with pytest.raises(KeyError):
            divide(7, by=0)
    assert [error.args for error in captured] == [(7,)] * 3


def test_methods_and_partial_functions_are_wrapped_too(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    class Worker:
        @capture_exceptions
        def work(self, number: int) -> int:
            return number if number else fail(KeyError())

    assert Worker().work(1) == 1
    with pytest.raises(KeyError):
        Worker().work(0)
    with pytest.raises(KeyError):
        capture_exceptions(functools.partial(Worker().work, 0))()
    assert len(captured) == 3, "twice for the one that is wrapped twice: the client knows it by its mark"


def test_a_recursive_function_captures_at_each_level(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    @capture_exceptions
    def deep(level: int) -> None:
        deep(level - 1) if level else fail(KeyError())

    with pytest.raises(KeyError):
        deep(3)
    assert len(captured) == 4
    assert len(set(map(id, captured))) == 1


# Coroutines


def test_a_coroutine_function_stays_one(capture_exceptions: Callable[..., Any], captured: Captured) -> None:
    @capture_exceptions
    async def work(number: int) -> int:
        await asyncio.sleep(0)
        return number if number else fail(KeyError())

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work(5)) == 5
    with pytest.raises(KeyError):
        asyncio.run(work(0))
    assert len(captured) == 1


def test_a_cancelled_coroutine_is_no_failure(capture_exceptions: Callable[..., Any], captured: Captured) -> None:
    @capture_exceptions
    async def work() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())
    assert captured == []


# Generators


@pytest.fixture
def echo(capture_exceptions: Callable[..., Any]) -> Callable[[], Generator[Any, Any, str]]:
    @capture_exceptions
    def echo() -> Generator[Any, Any, str]:
        heard = None
        while heard != "end":
            try:
                heard = yield heard
            except ValueError as error:
                heard = error
            if heard == "fail":
                raise KeyError
        return "returned"

    wrapped: Callable[[], Generator[Any, Any, str]] = echo
    return wrapped


def test_a_generator_is_sent_to_thrown_into_and_returns(
    echo: Callable[[], Generator[Any, Any, str]], captured: Captured
) -> None:
    assert inspect.isgeneratorfunction(echo)
    steps, thrown = echo(), ValueError()
    assert next(steps) is None
    assert steps.send(1) == 1
    assert steps.throw(thrown) is thrown
    with pytest.raises(StopIteration) as ended:
        steps.send("end")
    assert ended.value.value == "returned"
    assert captured == []


def test_what_a_generator_raises_is_captured(echo: Callable[[], Generator[Any, Any, str]], captured: Captured) -> None:
    sent_to, thrown_into = echo(), echo()
    next(sent_to)
    with pytest.raises(KeyError):
        sent_to.send("fail")
    next(thrown_into)
    with pytest.raises(KeyError):
        thrown_into.throw(KeyError())
    assert [type(error) for error in captured] == [KeyError, KeyError]


def test_a_generator_may_be_closed_before_its_end(
    echo: Callable[[], Generator[Any, Any, str]], captured: Captured
) -> None:
    steps = echo()
    next(steps)
    steps.close()
    echo().close()
    assert captured == []


# Async generators


class Log(list[str]):
    """What an async generator did."""


def async_echo(log: Log) -> Callable[[], AsyncGenerator[Any, Any]]:
    async def echo() -> AsyncGenerator[Any, Any]:
        heard = None
        try:
            while heard != "end":
                await asyncio.sleep(0)
                try:
                    heard = yield heard
                except ValueError as error:
                    heard = error
                if heard == "fail":
                    raise KeyError
        finally:
            await asyncio.sleep(0)
            log.append("ended")

    return echo


Scenario = Callable[[AsyncGenerator[Any, Any]], Any]


@pytest.fixture
def play(capture_exceptions: Callable[..., Any]) -> Callable[[Scenario], Log]:
    """Run a scenario on a wrapped async generator."""

    def play(scenario: Scenario) -> Log:
        log = Log()
        echo = capture_exceptions(async_echo(log))
        assert inspect.isasyncgenfunction(echo)

        async def main() -> None:
            async with aclosing(echo()) as steps:
                await scenario(steps)

        asyncio.run(main())
        return log

    return play


def test_an_async_generator_is_sent_to_and_thrown_into(play: Callable[[Scenario], Log], captured: Captured) -> None:
    async def scenario(steps: AsyncGenerator[Any, Any]) -> None:
        thrown = ValueError()
        assert await steps.__anext__() is None
        assert await steps.asend(1) == 1
        assert await steps.athrow(thrown) is thrown
        with pytest.raises(StopAsyncIteration):
            await steps.asend("end")

    assert play(scenario) == ["ended"]
    assert captured == []


def test_what_an_async_generator_raises_is_captured(play: Callable[[Scenario], Log], captured: Captured) -> None:
    async def send(steps: AsyncGenerator[Any, Any]) -> None:
        await steps.__anext__()
        with pytest.raises(KeyError):
            await steps.asend("fail")

    async def throw(steps: AsyncGenerator[Any, Any]) -> None:
        await steps.__anext__()
        with pytest.raises(KeyError):
            await steps.athrow(KeyError())

    assert play(send) == play(throw) == ["ended"]
    assert [type(error) for error in captured] == [KeyError, KeyError]


def test_an_async_generator_may_be_closed_before_its_end(play: Callable[[Scenario], Log], captured: Captured) -> None:
    async def scenario(steps: AsyncGenerator[Any, Any]) -> None:
        await steps.__anext__()
        await steps.aclose()

    assert play(scenario) == ["ended"]
    assert captured == []


def test_an_async_generator_that_is_left_is_ended_by_the_loop(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    log = Log()
    echo = capture_exceptions(async_echo(log))

    async def main() -> None:
        async for _ in echo():
            break
        while not log:
            gc.collect()
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(main(), 20))
    assert log == ["ended"]
    assert captured == []


def test_what_the_end_of_an_async_generator_raises_is_captured(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    @capture_exceptions
    async def failing() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise KeyError

    async def main() -> None:
        steps = failing()
        await steps.__anext__()
        with pytest.raises(KeyError):
            await steps.aclose()

    asyncio.run(main())
    assert len(captured) == 1


def test_one_wrapper_serves_many_at_once(capture_exceptions: Callable[..., Any], captured: Captured) -> None:
    shared = capture_exceptions()
    assert isinstance(shared, Capturing)

    async def work(number: int) -> None:
        async with shared:
            await asyncio.sleep(0)
            with suppress(ValueError), shared:
                raise ValueError(number)

    async def main() -> None:
        await asyncio.gather(*map(work, range(5)))

    asyncio.run(main())
    assert sorted(error.args[0] for error in captured) == list(range(5))


def test_several_errors_may_be_given_as_a_tuple(capture_exceptions: Callable[..., Any], captured: Captured) -> None:
    errors = [KeyError(), ValueError(), TypeError()]
    for error in errors:
        with suppress(Exception), capture_exceptions((KeyError, ValueError)):
            raise error
    assert captured == errors[:2]


def test_an_object_whose_call_is_a_coroutine_is_wrapped(
    capture_exceptions: Callable[..., Any], captured: Captured
) -> None:
    class Worker:
        async def __call__(self, error: Exception) -> None:
            await asyncio.sleep(0)
            raise error

    error = KeyError()
    with pytest.raises(KeyError):
        asyncio.run(capture_exceptions(functools.wraps(Worker.__call__)(Worker()))(error))
    assert captured == [error]
