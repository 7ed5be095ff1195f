"""A script whose threads fail, and then it does: ``SENTRY_DSN=… python threaded_script.py``."""

from __future__ import annotations

import threading

import asyncsentry


def count(words: str) -> None:
    print(f"{len(words)} letters, {1 / len(words):.2f} of all in each")


asyncsentry.init(transport="threaded")
asyncsentry.set_tag("job", "letters")
threads = [threading.Thread(target=count, args=(words,)) for words in ("pears", "", "apples")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
raise SystemExit(count(""))
