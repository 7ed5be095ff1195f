"""A FastAPI application that reports its errors: ``SENTRY_DSN=… python fastapi_app.py PORT``."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

import asyncsentry
from asyncsentry.integrations.fastapi import setup

app = FastAPI()
setup(app)


@app.get("/{name}", response_class=PlainTextResponse)
def greet(name: str) -> str:  # which a thread of the pool calls
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return f"Hello, {name}!\n"


uvicorn.run(app, port=int(sys.argv[1]))
