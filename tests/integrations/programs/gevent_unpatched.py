"""The shop on gevent's own server, in a program that is not patched."""

from __future__ import annotations

from integrations.programs.gevent import run

if __name__ == "__main__":
    run()
