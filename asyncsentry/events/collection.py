"""What is collected of a program and its requests without having been set on purpose, as a value.

It is the one mechanism under ``send_default_pii``, which chooses a preset, and ``data_collection``, which changes
single settings of it: https://develop.sentry.dev/sdk/foundations/client/data-collection/
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Mode: TypeAlias = Literal["off", "denyList", "allowList"]


class Behaviour(NamedTuple):
    """Which values are shown, by the names that they stand under; the names themselves are, unless it is off.

    What stands under the name of a secret is hidden in any case.
    """

    mode: Mode = "denyList"
    terms: tuple[str, ...] = ()
    """In lower case. A name that holds one anywhere, in any case, is meant."""

    @property
    def is_off(self) -> bool:
        """Whether nothing is shown, not even the names."""
        return self.mode == "off"

    @property
    def is_particular(self) -> bool:
        """Whether it hides any more than secrets."""
        return bool(self.terms) or self.mode != "denyList"

    def hides(self, name: str) -> bool:
        """Whether the value under this name is hidden, which may be no secret's."""
        lowered = name.lower()
        return any(term in lowered for term in self.terms) is (self.mode == "denyList")


OFF: Final = Behaviour("off")
ALL: Final = Behaviour()
"""All but secrets."""


class DataCollection(NamedTuple):
    """What is collected. The defaults are those of ``send_default_pii=False``."""

    user_info: bool = False
    """Who the user is, as a framework knows it; the address that a request came from; headers that tell either."""
    cookies: Behaviour = OFF
    request_headers: Behaviour = ALL
    incoming_bodies: bool = False
    """Bodies of the requests that the program serves, as far as it has read them."""
    url_query_params: Behaviour = ALL
    graphql_document: bool = True
    """What stands under ``query`` in a body, and in a query string."""
    graphql_variables: bool = True
    """What stands under ``variables``."""
    database_query_data: bool = False
    """The parameters of queries. No preset has them: they have no names, so nobody can tell the secrets among them."""
    stack_frame_variables: Behaviour = ALL
    frame_context_lines: int = 5
    """Lines of source shown before and after a frame's own. 0: not even that one."""


QUIET: Final = DataCollection()
PERSONAL: Final = DataCollection(user_info=True, cookies=ALL, incoming_bodies=True)
"""What ``send_default_pii=True`` stands for."""
