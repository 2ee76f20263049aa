"""The report of an empty warehouse, and what of its data could break the page."""

import re
from datetime import UTC, datetime
from pathlib import Path

from tasks.report.build import (
    FOLDER,
    MAIN_CHARTS,
    Figure,
    draw_chart,
    name_choices,
    query_files,
    render_page,
    write_report,
)
from warehouse.query_file import QueryFile
from warehouse.settings import Settings

MADE_AT = datetime(2026, 2, 13, 23, tzinfo=UTC)
HEADER = {"title": "A title", "question": "Why?", "source": "a table", "order": "1", "empty": "-"}


def test_an_empty_warehouse_has_a_report_that_says_so(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_report(settings, path, MADE_AT)
    page = path.read_text(encoding="utf-8")
    for file in query_files():
        if file.name != "summary":
            assert f'id="{file.name}"' in page
    assert "There are no prices of IWM and SPY." in page
    # each figure says what it lacks; only statements and conditions are judged without any data
    said = {file.name for file in query_files() if file.header["empty"] in page}
    assert said >= {each.stem for each in FOLDER.glob("*.py")} - {"__init__"}
    assert {"quarantine", "restatements", "missing_data"} <= said
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_values_cannot_end_the_script_that_embeds_them() -> None:
    """A company's name comes from a file that others write."""
    hostile = "</script><script>alert(1)</script>"
    rows = [{"place": 1, "sentence": hostile}]
    summary = Figure(QueryFile("summary", HEADER, "select 1"), ("place", "sentence"), rows, None)
    table = Figure(QueryFile("names", HEADER, "select '<b>'"), ("place", "sentence"), rows, None)
    page = render_page([summary, table], "a tape", MADE_AT, "var x = '</script>';")
    assert hostile not in page
    assert len(re.findall("<script", page)) == len(re.findall("</script>", page))
    assert "Not live data" in page
    assert "Not live data" not in render_page([summary], None, MADE_AT, "")


def test_an_image_names_the_index_that_it_shows() -> None:
    wall = {"due": "2026", "other_principal_bn_usd": 1.0, "zombie_principal_bn_usd": None}
    rows = [wall | {"index_code": index, "unknown_bn_usd": 2.0} for index in ("R2000", "SP500")]
    for mark, text in (("a tape", "R2000, a tape"), (None, "R2000")):
        spec, _ = draw_chart("refinancing_wall", rows, mark)
        assert spec is not None
        assert name_choices(spec)["title"]["text"] == text
    month = {"index_code": "R2000", "month": "2026-01-01", "not_loaded_pct": 0.5}
    spec, _ = draw_chart("coverage", [month], None)
    assert spec is not None
    assert "title" not in name_choices(spec)


def test_documents_show_the_main_charts() -> None:
    folder = Path(__file__).parents[3] / "docs"
    tour = (folder / "tour.md").read_text(encoding="utf-8")
    assert {file.stem for file in (folder / "images").iterdir()} == {*MAIN_CHARTS}
    for name in MAIN_CHARTS:
        assert f"(images/{name}.png)" in tour
        assert (folder / "images" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
