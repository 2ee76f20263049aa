"""Prefect's UI in a browser without internet access: login, deployments, backfill form."""

import json
from pathlib import Path

import pytest

from tests.browser import Browser, save_screenshot
from tests.deployments.conftest import Api
from tests.deployments.stack.test_stack import NAMES, deployment

# the list has ten to a page
FIRST_PAGE = sorted(NAMES)[:10]
# set the value through the native setter, so that the page reacts
TYPE = """
const field = document.querySelector("input");
const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
setter.call(field, %s);
field.dispatchEvent(new Event("input", {bubbles: true}));
const all = [...document.querySelectorAll("button")];
setTimeout(() => all.find(each => /log ?in|sign ?in/i.test(each.innerText)).click(), 200);
"""
# find a field by its label, in the nearest enclosing element that has one
FILL = """
(() => {
    const labels = [...document.querySelectorAll("*")].filter(
        each => !each.children.length && each.textContent.trim() === %s);
    const inside = box => box.querySelector("input:not([type=radio])") || inside(box.parentElement);
    const field = inside(labels.pop());
    const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set;
    setter.call(field, %s);
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, {bubbles: true}));
})()
"""
# choose the type "date" of a field that is None, by the field's label
CHOOSE = """
(() => {
    const leaves = box => [...box.querySelectorAll("*")].filter(each => !each.children.length);
    const named = (box, text) => leaves(box).filter(each => each.textContent.trim() === text);
    const inside = box => named(box, "date")[0] || inside(box.parentElement);
    inside(named(document, %s).pop()).click();
})()
"""
# click a button by its text; true if it exists
CLICK = """
(button => { button?.click(); return !!button; })(
    [...document.querySelectorAll("button, a, li")].find(
        each => each.innerText.trim() === %s && each.offsetParent))
"""


# text of the page and of its fields
SHOWN = """
[document.body, ...document.querySelectorAll("input, textarea, select, button")]
    .map(each => each.innerText + " " + (each.value ?? "")).join(" ")
"""


@pytest.mark.slow
def test_deployments_are_shown_after_login(api: Api, browser: Browser, tmp_path: Path) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    shown = f"{FIRST_PAGE}.every(name => document.body.innerText.includes(name))"
    assert browser.evaluate(shown) is False
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for(shown)
    save_screenshot(browser, tmp_path, "deployments")


def sign_in(api: Api, browser: Browser) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for(f"document.body.innerText.includes({json.dumps(FIRST_PAGE[-1])})")


def open_form(api: Api, browser: Browser) -> None:
    form = f"/deployments/deployment/{deployment(api, 'backfill')}/run"
    browser("Page.navigate", url=api.url.removesuffix("/api") + form)
    browser.wait_for("document.body.innerText.includes('dry_run (Optional)')")


def fill_dates(browser: Browser, **dates: str) -> None:
    """Fill date fields, which are None until the user chooses a date."""
    for label in dates:
        browser.evaluate(CHOOSE % json.dumps(f"{label} (Optional)"))
    browser.wait_for("!document.body.innerText.includes('Property is type')")
    for label, day in dates.items():
        browser.evaluate(FILL % tuple(map(json.dumps, (f"{label} (Optional)", day))))


def submit_and_wait(browser: Browser, tab: str, *texts: str) -> None:
    """Submit the form and wait for texts in a tab of the run's page."""
    # "View run" is in a temporary notification
    for button in ("Submit", "View run", tab):
        browser.wait_for(CLICK % json.dumps(button))
    browser.wait_for(f"{json.dumps(texts)}.every(each => document.body.innerText.includes(each))")


def test_backfill_form_shows_its_defaults(api: Api, browser: Browser, tmp_path: Path) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fields = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"][
        "properties"
    ]
    shown = [f"{name} (Optional)" for name in fields]
    shown += ["The dataset to backfill.", "oldest_first", 'Property is type "None"']
    browser.wait_for(f"{json.dumps(shown)}.every(each => ({SHOWN}).includes(each))")
    save_screenshot(browser, tmp_path, "backfill")


@pytest.mark.slow
def test_invalid_backfill_shows_its_error_on_the_run_page(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fill_dates(browser, start="2026-02-12", end="2026-02-10")
    submit_and_wait(browser, "Logs", "end 2026-02-10 is before start 2026-02-12: swap them.")
    save_screenshot(browser, tmp_path, "backfill-refused")
