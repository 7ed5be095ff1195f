"""The command ``asyncsentry``: see it work, try a DSN, list the transports."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from io import TextIOWrapper

from asyncsentry.errors import SetupError
from asyncsentry.version import __version__

_EXAMPLES = """\
examples:
  asyncsentry demo                              see three errors of an asyncio program arrive
  asyncsentry demo --transport aiohttp          the same, by another transport
  asyncsentry test https://KEY@HOST/PROJECT     does this server take what we send?
  asyncsentry transports                        which are installed, and what the others need
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. The exit status: 0 for success, 1 if something did not arrive, 2 for a mistake in the call."""
    _print_anything()
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except SetupError as error:
        print(f"asyncsentry: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who was reading has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="asyncsentry",
        description="The asyncio-native SDK for every server that speaks the Sentry protocol.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"asyncsentry {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)

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
    return parser


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
