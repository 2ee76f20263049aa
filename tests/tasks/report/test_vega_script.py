"""The scripts of Vega: those of the installation, or those that an earlier report bundled."""

from pathlib import Path

import pytest

from tasks.report import vega_script
from tasks.report.files import write_atomically
from tasks.report.vega_script import read_vega_script


def test_the_installations_scripts_come_first_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, cache = tmp_path / "installed", tmp_path / "cache"
    monkeypatch.setattr(vega_script, "INSTALLED", installed)
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda: "bundled")
    assert read_vega_script(cache) == "bundled"
    [file] = cache.iterdir()
    file.write_text("of an earlier report")
    assert read_vega_script(cache) == "of an earlier report"
    write_atomically(installed / file.name, "installed")
    assert read_vega_script(cache) == "installed"


def test_setup_bundled_the_scripts() -> None:
    *_, file = sorted(vega_script.INSTALLED.iterdir())
    assert "vegaEmbed" in file.read_text(encoding="utf-8")
