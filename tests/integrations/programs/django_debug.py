"""The same project with ``DEBUG = True``."""

from __future__ import annotations

from integrations.programs import django_wsgi

if __name__ == "__main__":
    django_wsgi.DjangoGunicorn.debug = True
    django_wsgi.DjangoGunicorn(django_wsgi.meet, threads=64).run()
