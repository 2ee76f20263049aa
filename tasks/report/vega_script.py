"""Bundle the scripts of Vega, once per installation.

Bundling takes seconds, and its result depends on the installed version alone. The installation runs
this module; where that did not happen, the first report bundles them into the state folder.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import vl_convert

from tasks.report.files import write_atomically

INSTALLED = Path(sys.prefix) / "share" / "great-rotation"


def read_vega_script(cache: Path) -> str:
    """Return the scripts of Vega, from the installation or else from a folder that is filled."""
    for folder in (INSTALLED, cache):
        path = folder / _name()
        if path.exists():
            return path.read_text(encoding="utf-8")
    return _bundle(cache)


def _name() -> str:
    return f"vega-{version('vl-convert-python')}.js"


def _bundle(folder: Path) -> str:
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    write_atomically(folder / _name(), script)
    return script


if __name__ == "__main__" and not (INSTALLED / _name()).exists():
    _bundle(INSTALLED)
