"""How the documentation is built: ``nox -s docs``."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "asyncsentry"
copyright = "asyncsentry contributors"
release = version = installed_version("asyncsentry")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"asyncsentry {release}"

default_role = "py:obj"
nitpicky = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
