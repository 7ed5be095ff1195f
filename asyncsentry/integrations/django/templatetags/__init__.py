"""What Django finds for ``{% load %}``."""

from __future__ import annotations
