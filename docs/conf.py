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
# The standard library's types have no page here, nor has a type variable.
nitpick_ignore_regex = [
    ("py:class", r"(?!asyncsentry).*"),
    ("py:class", r"asyncsentry\.(client\.Function|testing\.habitats\.T)"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"


def resolve_name(
    app: Sphinx, environment: BuildEnvironment, node: pending_xref, content: TextElement
) -> Element | None:
    """Link a name to the only thing on the pages that is called so, wherever it stands in the code.

    Docstrings say `Settings`, annotations say the module where a class is made, the pages where it is imported from.
    """
    if node.get("refdomain") != "py":
        return None
    python = environment.domains.python_domain
    last = node["reftarget"].rpartition(".")[2]
    found = [(name, entry) for name, entry in python.objects.items() if name.rpartition(".")[2] == last]
    pages = [(name, entry) for name, entry in found if not entry.aliased]
    if len(pages) != 1:
        return None
    name, entry = pages[0]
    return python.resolve_xref(environment, node["refdoc"], app.builder, entry.objtype, name, node, content)


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", resolve_name)
