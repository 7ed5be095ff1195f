"""All cases, by their names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from hostile import callbacks, errors, moments, records, surroundings, values
from hostile.case import Case

GROUPS: Final = (
    values.GROUP,
    values.HALF,
    errors.GROUP,
    moments.GROUP,
    callbacks.GROUP,
    records.GROUP,
    surroundings.SETTINGS,
    surroundings.ANSWERS,
)

ALL: Final[Mapping[str, Case]] = {name: case for group in GROUPS for name, case in group.cases.items()}
assert len(ALL) == sum(len(group.cases) for group in GROUPS), "two cases of one name"

CASES: Final[Mapping[str, Case]] = {name: case for name, case in ALL.items() if sys.version_info[:2] >= case.since}
"""Those that this Python has what they need for."""

TOGETHER: Final[Mapping[str, list[str]]] = {
    group.heading: [name for name, case in group.cases.items() if name in CASES and not case.alone]
    for group in GROUPS
    if group.together
}
"""Those that one program may do one after the other, by group."""

ALONE: Final = [name for name in CASES if not any(name in names for names in TOGETHER.values())]
