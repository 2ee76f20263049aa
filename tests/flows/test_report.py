"""The report of a daily run, as data and in a browser."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from tasks.report.build import query_files
from tasks.report.path import report_path
from tests.browser import Browser, save_screenshot
from tests.flows.replay import Replay
from warehouse.connect.connections import connect

# errors that the page does not catch, and what it writes to the console as an error
WATCH = """
window.problems = [];
addEventListener("error", event => problems.push(event.message));
addEventListener("unhandledrejection", event => problems.push(String(event.reason)));
// Vega warns of a series without values, such as multiples of a market of one year
console.error = console.warn = (...text) => problems.push(text.join(" "));
"""
# texts of a chart that reach beyond its picture, where they are cut off
CUT_OFF = """
[...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  // labels that would overlap others are transparent
  const isShown = text => text.textContent.trim() && text.getAttribute('opacity') !== '0';
  return [...svg.querySelectorAll('text')].filter(isShown).filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map(text => svg.closest('section').id + ': ' + text.textContent);
}).join('; ')
"""
IS_DRAWN = "document.body?.dataset.drawn === 'yes'"


@pytest.fixture(scope="module")
def page(completed_daily_run: Replay) -> Path:
    return report_path(completed_daily_run.settings)


def test_embedded_data_are_the_answers_of_the_queries(
    completed_daily_run: Replay, page: Path
) -> None:
    text = page.read_text(encoding="utf-8")
    found = {
        name: json.loads(content)
        for name, content in re.findall(
            r'<script type="application/json" id="(\w+)-data">(.*?)</script>', text
        )
    }
    queries = {file.name: file for file in query_files() if file.name != "summary"}
    assert found.keys() == queries.keys()
    assert sum(bool(each["rows"]) for each in found.values()) > 10
    with connect(completed_daily_run.settings, "reader") as connection:
        for name, file in queries.items():
            cursor = connection.execute(file.query.encode())
            assert [column.name for column in cursor.description or ()] == found[name]["columns"]
            rows = json.loads(json.dumps(cursor.fetchall(), default=str))
            assert found[name]["rows"] == rows, name
        sentences = connection.execute(
            next(file.query for file in query_files() if file.name == "summary").encode()
        ).fetchall()
    assert [place for place, _ in sentences] == [1, 2, 3, 4, 5, 6]


def test_the_page_is_drawn_without_a_request_or_an_error(
    page: Path, browser: Browser, tmp_path: Path
) -> None:
    browser("Page.enable")
    browser("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    assert browser.evaluate("problems.join('; ')") == ""
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    assert browser.evaluate(
        "[...document.querySelectorAll('[data-chart]')].every(each => each.querySelector('svg'))"
    )
    # the replayed tape is named at every figure
    assert browser.evaluate(
        "[...document.querySelectorAll('section')].every(each => each.querySelector('.badge'))"
    )
    assert browser.evaluate(CUT_OFF) == ""
    save_screenshot(browser, tmp_path, "report")
    # a figure's data can be read as a table
    browser.evaluate("document.querySelector('[data-rows]').open = true")
    browser.wait_for("document.querySelectorAll('[data-rows] tbody tr').length > 10")


def test_the_page_fits_a_phone(page: Path, browser: Browser, tmp_path: Path) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser("Emulation.setDeviceMetricsOverride", **size)
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.evaluate(CUT_OFF) == ""
    save_screenshot(browser, tmp_path, "report-phone")


def test_the_legend_of_the_rotation_graph_shows_the_colours(page: Path, browser: Browser) -> None:
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    found = browser.evaluate(
        "JSON.stringify([...document.querySelectorAll('#rotation_graph .role-legend-symbol path')]"
        ".map(each => each.getAttribute('fill') + each.getAttribute('d')))"
    )
    symbols = json.loads(found)
    # colour and shape together tell all pairs apart
    assert len(set(symbols)) == len(symbols) > 3
    assert len({each[:7] for each in symbols}) > 3


def test_a_turned_phone_keeps_what_the_reader_chose(page: Path, browser: Browser) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser("Emulation.setDeviceMetricsOverride", **size)
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    chart = "document.querySelector('#refinancing_wall')"
    years = f"[...{chart}.querySelectorAll('.mark-rect path')].map(each => each.ariaLabel).join()"
    first = browser.evaluate(years)
    browser.evaluate(f"{chart}.querySelector('select').selectedIndex = 1")
    browser.evaluate(f"{chart}.querySelector('select').dispatchEvent(new Event('change'))")
    browser.wait_for(f"{years} !== {json.dumps(first)}")
    chosen = browser.evaluate(years)
    browser.evaluate(f"{chart}.querySelector('svg').dataset.before = 'yes'")
    turned = {**size, "width": 844, "height": 390}
    browser("Emulation.setDeviceMetricsOverride", **turned)
    browser.wait_for(f"{chart}.querySelector('svg:not([data-before])') !== null")
    browser.wait_for(f"{years} !== ''")
    assert browser.evaluate(f"{chart}.querySelector('select').value") == "SP500"
    assert browser.evaluate(years) == chosen


def test_a_printed_page_is_whole(page: Path, browser: Browser, tmp_path: Path) -> None:
    """Tables fit a sheet of paper, and charts say which index they show."""
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    # A4 without its margins
    size = {"width": 718, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser("Emulation.setDeviceMetricsOverride", **size)
    browser("Emulation.setEmulatedMedia", media="print")
    wide = browser.evaluate(
        "[...document.querySelectorAll('main table, .chart svg')]"
        ".filter(each => each.checkVisibility() && each.getBoundingClientRect().right > 719)"
        ".map(each => each.closest('section').id).join('; ')"
    )
    chosen = browser.evaluate(
        "document.querySelector('#refinancing_wall select').checkVisibility()"
    )
    save_screenshot(browser, tmp_path, "report-print")
    assert (wide, chosen) == ("", True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theme", "options", "least"),
    [
        ("light", "{}", 10),
        # the dark theme differs only in colours
        ("dark", "{runOnly: ['color-contrast', 'link-in-text-block']}", 0),
    ],
)
def test_the_page_is_accessible(
    page: Path, browser: Browser, theme: str, options: str, least: int
) -> None:
    """No rule of axe is broken."""
    script = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    browser(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}]
    )
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    browser.evaluate(script)
    browser.evaluate(f"axe.run({options}).then(result => {{ window.found = result; }})")
    browser.wait_for("'found' in window")
    assert browser.evaluate("found.passes.length") > least
    broken = browser.evaluate(
        "found.violations.map(each => each.id + ' ' + each.nodes[0].html).join('; ')"
    )
    assert broken == ""


def test_the_keyboard_reaches_every_control(page: Path, browser: Browser) -> None:
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for(IS_DRAWN)
    controls = "[...document.querySelectorAll('a, summary, select, input, button, [tabindex]')]"
    count = browser.evaluate(f"{controls}.filter(each => each.checkVisibility()).length")
    assert count > 60
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    for _ in range(count + 5):
        browser("Input.dispatchKeyEvent", type="rawKeyDown", **key)
        browser("Input.dispatchKeyEvent", type="keyUp", **key)
        browser.evaluate("document.activeElement.dataset.reached = 'yes'")
    missed = browser.evaluate(
        f"{controls}.filter(each => each.checkVisibility() && !each.dataset.reached)"
        ".map(each => each.outerHTML).join('; ')"
    )
    assert missed == ""
