"""Cases as a program: ``python -m hostile.program SDK FILE CASE…``. FILE is where it is noted what happens."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any, Final

NAME, PATH, *NAMES = sys.argv[1:]

from hostile.sdks import SDKS  # noqa: E402

sdk: Any = None


@atexit.register  # before the SDK is loaded, so it is called after the SDK's own end
def tell() -> None:
    sdk.note(counted=sdk.counted())


sdk = SDKS[NAME](PATH)

from hostile.cases import CASES  # noqa: E402

FIRST: Final = CASES[NAMES[0]]


def main() -> None:
    try:
        sdk.init(os.environ["SENTRY_DSN"], FIRST.options(sdk))
    except Exception as error:
        sdk.note(refused=type(error).__name__)
        raise SystemExit from None
    for name in NAMES:
        before = sdk.counted()
        sdk.note(case=name)
        sdk.begin(name)
        CASES[name].run(sdk)
        sdk.note(done=True, counted_here=sdk.counted() - before)


if __name__ == "__main__":
    main()
