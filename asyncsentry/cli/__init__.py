"""The command ``asyncsentry``: see it work, try a DSN, list the transports, look at a program, look after a spool."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from asyncsentry.errors import SetupError
from asyncsentry.version import __version__

if TYPE_CHECKING:
    Commands: TypeAlias = "_SubParsersAction[_Parser]"

_EXAMPLES = """\
examples:
  asyncsentry demo                              see three errors of an asyncio program arrive
  asyncsentry demo --transport aiohttp          the same, by another transport
  asyncsentry test https://KEY@HOST/PROJECT     does this server take what we send?
  asyncsentry transports                        which are installed, and what the others need
  asyncsentry doctor shop.web:app               has each framework of this program its integration?
  asyncsentry spool list /var/spool/shop        what waits there to be delivered?
"""


INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells give it: 128 and the signal's number."""


class _Parser(ArgumentParser):
    """Complains about what it was given, but for the keys in it."""

    def error(self, message: str) -> NoReturn:
        super().error(_without_keys(message))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. The exit status: 0 for success, 1 if something did not arrive, 2 for a mistake in the call.

    After Ctrl-C it is `INTERRUPTED`.
    """
    _print_anything()
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except SetupError as error:
        print(f"asyncsentry: {_without_keys(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who was reading has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _without_keys(text: str) -> str:
    """A DSN may be where a command or a path should be."""
    return re.sub(r"://[^\s'\"]*@", "://…@", text)


def _parser() -> _Parser:
    parser = _Parser(
        prog="asyncsentry",
        description="The asyncio-native SDK for every server that speaks the Sentry protocol.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"asyncsentry {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)

    _add_demo(commands)
    test = commands.add_parser(
        "test",
        help="send one message to a server, and say what it answered",
        description="Send one message to a server, and say whether it took it, or why not.",
    )
    test.add_argument("dsn", metavar="DSN", help="the project's DSN; it may name a transport (aiohttp+https://…)")
    test.set_defaults(run=_test)

    transports = commands.add_parser(
        "transports",
        help="list the transports",
        description="List the transports that are registered, whether each can be used, and what it needs.",
    )
    transports.set_defaults(run=_transports)

    _add_doctor(commands)
    _add_spool(commands)
    return parser


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="run a small asyncio program that fails in three ways, and show what arrives",
        description="Run a small asyncio program that fails in three ways, in a process of its own, and show each event"
        " as it arrived at a server on loopback. The exit status is 1 if anything did not arrive.",
    )
    demo.add_argument("--transport", metavar="NAME", help="send by this transport (see: asyncsentry transports)")
    demo.add_argument("--dsn", help="send to this server instead, and print the ids of the events")
    demo.add_argument("--json", action="store_true", help="print the events as JSON, one a line")
    demo.set_defaults(run=_demo)


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="name the web frameworks of a program that have no integration set up",
        description="Import a program as a server does, in a process of its own, and say which of the web frameworks"
        " that it imports have an integration set up, and what to add for the others. The exit status is 1 if there is"
        " something to add.",
    )
    doctor.add_argument("target", metavar="PROGRAM", help="shop.web, shop/web.py, shop.web:app or shop.web:make_app()")
    doctor.set_defaults(run=_doctor)


def _add_spool(commands: Commands) -> None:
    spool = commands.add_parser(
        "spool",
        help="list, send or remove what programs have left on disk",
        description="Look after the folder that programs were given as the option spool.",
    )
    verbs = spool.add_subparsers(title="commands", dest="verb", required=True)

    listing = verbs.add_parser(
        "list",
        help="list what waits there",
        description="List what waits in a spool: its age, its size, its id, and what happened.",
    )
    listing.add_argument("--json", action="store_true", help="print a line of JSON for each envelope")
    listing.set_defaults(run=_spool_list)

    sending = verbs.add_parser(
        "send",
        help="send what no running program has",
        description="Send what waits in a spool and is in the hands of no running program. The exit status is 1 if"
        " something is left that could be sent, or was refused.",
    )
    sending.add_argument("--dsn", help="send all of it to this server, and not to those that it was meant for")
    sending.set_defaults(run=_spool_send)

    purging = verbs.add_parser(
        "purge",
        help="remove what no running program has",
        description="Remove what waits in a spool and is in the hands of no running program.",
    )
    purging.add_argument("--older-than", metavar="DAYS", type=float, default=0.0, help="only what is older than this")
    purging.set_defaults(run=_spool_purge)
    for verb in (listing, sending, purging):
        verb.add_argument("path", metavar="PATH", help="the folder that is given to programs as the option spool")


def _print_anything() -> None:
    """Print a ``?`` for what a terminal's encoding lacks: an event may hold any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _demo(arguments: Namespace) -> int:
    from asyncsentry.cli import demo

    if arguments.dsn:
        return demo.send(arguments.dsn, arguments.transport)
    return demo.watch(arguments.transport, as_json=arguments.json)


def _test(arguments: Namespace) -> int:
    from asyncsentry.cli import probe

    return probe.run(arguments.dsn)


def _transports(_: Namespace) -> int:
    from asyncsentry.cli import transports

    return transports.run()


def _doctor(arguments: Namespace) -> int:
    from asyncsentry.cli import doctor

    return doctor.run(arguments.target)


def _spool_list(arguments: Namespace) -> int:
    from asyncsentry.cli import spool_list

    return spool_list.run(arguments.path, as_json=arguments.json)


def _spool_send(arguments: Namespace) -> int:
    from asyncsentry.cli import spool_send

    return spool_send.run(arguments.path, arguments.dsn)


def _spool_purge(arguments: Namespace) -> int:
    from asyncsentry.cli import spool_purge

    return spool_purge.run(arguments.path, arguments.older_than)
