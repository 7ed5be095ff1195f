"""What the source never does: run what it was given, start a program, read what could run, listen."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from test_house import MODULES

FORBIDDEN_NAMES = frozenset({"eval", "exec", "compile", "__import__", "execfile"})

FORBIDDEN_MODULES = frozenset(
    {
        *("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "yaml"),
        *("subprocess", "multiprocessing", "pty", "commands", "popen2", "code", "codeop", "ctypes", "_ctypes"),
        *("socketserver", "xmlrpc", "wsgiref", "http.server"),
    }
)

FORBIDDEN_ATTRIBUTES = frozenset(
    {
        *("system", "popen", "popen2", "popen3", "startfile", "posix_spawn", "posix_spawnp", "forkpty"),
        *(f"{verb}{how}" for verb in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "spawnProcess"),
        *(
            "bind",
            "create_server",
            "create_unix_server",
            "start_server",
            "start_unix_server",
            "listenTCP",
            "listenUNIX",
        ),
        *("listenSSL", "bind_sockets", "bind_unix_socket", "open_tcp_listeners", "create_datagram_endpoint"),
    }
)

ALLOWED: Mapping[tuple[str, str], str] = {
    ("asyncsentry.cli.demo", "subprocess"): "the demo's program fails in a process of its own, as a user's would",
    (
        "asyncsentry.cli.doctor",
        "subprocess",
    ): "it imports a program in a process of its own, when its owner asks for that",
    ("asyncsentry.events.packing", "marshal"): "it copies data in memory: what it reads is what it has just written",
    ("asyncsentry.process", "multiprocessing.util"): "its finalizers run in its workers, where no other exit hook does",
    ("asyncsentry.testing.listener", "create_server"): "the server for tests, on loopback alone",
}
"""What is done all the same, by module, with the reason."""


def done_in(tree: ast.AST) -> Iterator[str]:
    """The names of what is forbidden, wherever they stand in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield from _of_attribute(node)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_forbidden(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _of_import(node.module, [alias.name for alias in node.names])
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            yield "shell"
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _is_forbidden(module: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in FORBIDDEN_MODULES)


def _of_import(module: str, names: list[str]) -> Iterator[str]:
    if _is_forbidden(module):
        yield module
        return
    for name in names:
        of_os = module in ("os", "posix") and name == "fork"
        if name in FORBIDDEN_ATTRIBUTES | FORBIDDEN_NAMES or of_os or _is_forbidden(f"{module}.{name}"):
            yield name


def _of_attribute(node: ast.Attribute) -> Iterator[str]:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    of_builtins = owner in ("builtins", "__builtins__") and node.attr in FORBIDDEN_NAMES
    if node.attr in FORBIDDEN_ATTRIBUTES or of_builtins or (owner == "os" and node.attr == "fork"):
        yield node.attr


def _of_call(node: ast.Call) -> Iterator[str]:
    """A socket's ``listen``, which takes a number or nothing; and a module that is forbidden, imported by its name."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first = node.args[0] if node.args else None
    if called == "listen" and (first is None or isinstance(first, ast.Constant)):
        yield "listen"
    if called == "import_module" and isinstance(first, ast.Constant) and _is_forbidden(str(first.value)):
        yield str(first.value)


def parsed(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_nothing_is_run_that_was_given_and_nothing_listens() -> None:
    done = {(module, what) for module, path in MODULES.items() for what in done_in(parsed(path))}
    assert done == set(ALLOWED)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("eval(text)", "eval"),
        ("run = exec", "exec"),
        ("builtins.compile(text, '', 'exec')", "compile"),
        ("from builtins import eval as e", "eval"),
        ("__import__('pickle')", "__import__"),
        ("def f():\n    import pickle", "pickle"),
        ("from marshal import loads", "marshal"),
        ("import http.server", "http.server"),
        ("from http import server", "server"),
        ("import_module('shelve')", "shelve"),
        ("importlib.import_module('pickle')", "pickle"),
        ("os.system('ls')", "system"),
        ("from os import popen", "popen"),
        ("os.fork()", "fork"),
        ("from os import fork", "fork"),
        ("os.execvp(program, arguments)", "execvp"),
        ("run(command, shell=True)", "shell"),
        ("await asyncio.create_subprocess_exec(program)", "create_subprocess_exec"),
        ("server.bind(('', 80))", "bind"),
        ("server.listen()", "listen"),
        ("server.listen(5)", "listen"),
        ("reactor.listenTCP(80, factory)", "listenTCP"),
    ],
)
def test_this_test_sees_it_wherever_it_stands(text: str, what: str) -> None:
    assert what in list(done_in(ast.parse(text)))


def test_what_is_alike_is_allowed() -> None:
    for fine in (
        "re.compile(x)",
        "place.listen(listener)",
        "loader.exec_module(m)",
        "from json import loads",
        "s.fork()",
    ):
        assert list(done_in(ast.parse(fine))) == []
