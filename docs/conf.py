"""How the documentation is built: ``nox -s docs``."""

from __future__ import annotations

from importlib.metadata import version as installed_version

from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "asyncsentry"
copyright = "asyncsentry contributors"
release = version = installed_version("asyncsentry")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"asyncsentry {release}"

default_role = "py:obj"
nitpick_ignore_regex = [("py:class", r"(?!asyncsentry).*")]  # the standard library's types have no page here

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"


def resolve_short_name(
    app: Sphinx, environment: BuildEnvironment, node: pending_xref, content: TextElement
) -> Element | None:
    """Link a name in a docstring that has no module, as in `Settings`, if only one object on the pages is called so."""
    python = environment.domains.python_domain
    named = [(name, entry) for name, entry in python.objects.items() if name.endswith(f".{node.get('reftarget')}")]
    pages = [(name, entry) for name, entry in named if not entry.aliased]
    if node.get("refdomain") != "py" or len(pages) != 1:
        return None
    name, entry = pages[0]
    return python.resolve_xref(environment, node["refdoc"], app.builder, entry.objtype, name, node, content)


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", resolve_short_name)
