"""``capture_exceptions``: what a block, or each call of a function of any colour, raises is captured, and goes on."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import Any, TypeVar, cast

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


class Capturing:
    """A context manager, sync and async, and a decorator. It holds no state: one may be used anywhere at once."""

    def __init__(self, capture: Callable[[BaseException], object], errors: tuple[type[BaseException], ...]) -> None:
        self._capture = capture
        self._errors = errors

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None and issubclass(type(error), self._errors):  # `isinstance` asks the error for its class
            self._capture(error)

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Wrapped) -> Wrapped:
        """Wrap a function, coroutine function, generator function or async generator function."""
        import inspect

        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            wrapper = self._wrap_coroutine(function)
        elif inspect.isgeneratorfunction(function):
            wrapper = self._wrap_generator(function)
        elif inspect.isasyncgenfunction(function):
            wrapper = self._wrap_async_generator(function)
        else:
            wrapper = self._wrap_function(function)
        return cast(Wrapped, functools.wraps(function)(wrapper))

    def _wrap_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return call

    def _wrap_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return call

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with self:
                return (yield from function(*args, **kwargs))

        return call

    def _wrap_async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            with self:
                inner = function(*args, **kwargs)
                step = inner.__anext__()
                while True:
                    try:
                        value = await step
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield value
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as thrown:
                        step = inner.athrow(thrown)
                    else:
                        step = inner.asend(sent)

        return call


def capturing(capture: Callable[[BaseException], object], function_or_errors: tuple[Any, ...]) -> Any:
    """What ``capture_exceptions`` is, bare or called: a wrapped function, or a `Capturing` for some errors or all."""
    if len(function_or_errors) == 1:
        (given,) = function_or_errors
        if callable(given) and not _is_error_class(given):
            return Capturing(capture, (Exception,))(given)
        if isinstance(given, tuple):
            function_or_errors = given
    return Capturing(capture, tuple(filter(_is_error_class, function_or_errors)) or (Exception,))


def _is_error_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
