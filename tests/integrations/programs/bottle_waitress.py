"""The shop on Bottle and waitress."""

from __future__ import annotations

from integrations.programs.bottle_shop import make_application
from integrations.programs.waitress_serving import serve
from integrations.programs.wsgi_shop import meet_in_threads

if __name__ == "__main__":
    serve(make_application(meet_in_threads()))
