"""``python -m asyncsentry``: the same as the command ``asyncsentry``."""

from __future__ import annotations

import sys

from asyncsentry.cli import main

sys.exit(main())
