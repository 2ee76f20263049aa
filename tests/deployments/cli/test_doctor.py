"""The checks before a live run name each fault that the sandbox can script."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import tests.tasks.extract.worker as worker_script
from deployments.sandbox.client import Sandbox
from deployments.stack.stack import SANDBOX_FRED_KEY, SANDBOX_SEC_USER_AGENT, sandbox_environment
from tasks.health.finding import Finding
from tasks.health.host_checks import check_host
from tasks.run.clock import now
from tests.deployments.conftest import ROTATION
from tests.tasks.extract.conftest import ROOT, Worker
from warehouse.settings import Settings

PROVIDERS = ("yahoo", "fred", "ishares", "sec", "tiingo")
TIINGO_KEY = "7" * 40
CHART = {"path": "/v8/finance/chart"}


@pytest.fixture(scope="module")
def sandbox(tiny_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(tiny_market, tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def worker(sandbox: Sandbox) -> Iterator[Worker]:
    environment = os.environ | sandbox.environment() | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(worker_script.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        yield Worker(process)
        assert process.stdin
        process.stdin.close()


def make_settings(sandbox: Sandbox, **values: Any) -> Settings:
    rates = {f"{name}_requests_per_second": 7.0 for name in PROVIDERS}
    timeouts = {f"{name}_timeout_seconds": 120.0 for name in PROVIDERS}
    defaults: dict[str, Any] = {
        "home": sandbox.home,
        "origin": sandbox.tape,
        "clock": sandbox.environment()["ROTATION_CLOCK"],
        "fred_api_key": SecretStr(SANDBOX_FRED_KEY),
        "sec_user_agent": SecretStr(SANDBOX_SEC_USER_AGENT),
        "tiingo_api_key": SecretStr(TIINGO_KEY),
    }
    return Settings(**(defaults | rates | timeouts | values))


def check(worker: Worker, settings: Settings) -> dict[str, Finding]:
    name = "tasks.health.provider_checks:check_providers"
    findings: list[Finding] = worker.call(name, settings, now(settings))
    return {each.check: each for each in findings}


def reasons(found: dict[str, Finding]) -> tuple[str, ...]:
    """The reason of each failed provider; the level of the others."""
    # a live run does not need the second source of prices
    assert found["tiingo"].level != "failed"
    has_failed = {
        name: found[name].level == ("warning" if name == "tiingo" else "failed")
        for name in PROVIDERS
    }
    return tuple(
        found[name].message.split(":")[0] if has_failed[name] else found[name].level
        for name in PROVIDERS
    )


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("status", {"status": 429}, ("throttled",) * 4 + ("hourly_limit",)),
        # the SEC blocks with status 403, and its pause applies
        ("status", {"status": 403}, ("http_403",) * 3 + ("throttled", "http_403")),
        ("status", {"status": 503}, ("http_503",) * 5),
        ("html_200", {"body": "<html><body>Sign in to this network</body></html>"}, ("html",) * 5),
        (
            "truncate",
            {},
            ("not_json", "not_xml", "truncated", "truncated_json", "not_json"),
        ),
        ("reset", {}, ("connection_reset", *("truncated",) * 4)),
        ("empty", {}, ("no_data", "not_xml", "not_csv", "not_json", "not_json")),
        ("null_rows", CHART, ("no_data", *("OK",) * 4)),
        ("currency", CHART | {"currency": "GBp"}, ("currency_not_usd", *("OK",) * 4)),
        ("consent", {"host": "query"}, ("consent_page", *("OK",) * 4)),
        ("expired_certificate", {}, ("tls",) * 5),
        pytest.param("hang", {"seconds": 600}, ("timeout",) * 5, marks=pytest.mark.slow),
    ],
)
def test_each_scripted_fault_is_named(
    sandbox: Sandbox, worker: Worker, kind: str, options: dict[str, Any], expected: tuple[str, ...]
) -> None:
    short = {f"{name}_timeout_seconds": 3.0 for name in PROVIDERS} if kind == "hang" else {}
    settings = make_settings(sandbox, **short)
    sandbox.clear_faults()
    sandbox.add_fault(kind, count=None, **options)
    assert reasons(check(worker, settings)) == expected


def test_without_key_and_contact_what_is_lacking_is_a_warning(
    sandbox: Sandbox, worker: Worker
) -> None:
    sandbox.clear_faults()
    sandbox.clear_requests()
    settings = make_settings(sandbox, fred_api_key=None, sec_user_agent=None, tiingo_api_key=None)
    found = check(worker, settings)
    assert reasons(found) == ("OK", "warning", "OK", "warning", "OK")
    assert found["tiingo"].message.startswith("off: without TIINGO_API_KEY")
    assert not [entry for entry in sandbox.requests() if "tiingo" in entry["host"]]
    assert "lacks vintages" in found["fred"].message


def test_refused_key_is_named_and_not_shown(sandbox: Sandbox, worker: Worker) -> None:
    sandbox.clear_faults()
    keys = {"fred_api_key": SecretStr("A" * 31), "tiingo_api_key": SecretStr("f" * 40)}
    settings = make_settings(sandbox, **keys)
    found = check(worker, settings)
    assert reasons(found) == ("OK", "invalid_api_key", "OK", "OK", "invalid_api_key")
    assert "f" * 40 not in found["tiingo"].message
    shape = [str(each) for each in check_host(settings, now(settings)) if each.check == "key"]
    assert "has 31 characters" in shape[0]
    assert "A" * 31 not in found["fred"].message + shape[0]


def test_clock_that_differs_from_the_providers(sandbox: Sandbox, worker: Worker) -> None:
    sandbox.clear_faults()
    sandbox.add_fault("skewed_date", count=None, seconds=3600)
    assert check(worker, make_settings(sandbox))["clock"].level == "failed"
    sandbox.clear_faults()
    assert check(worker, make_settings(sandbox))["clock"].level == "OK"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://u:secret@a:1", "https_proxy": "http://b:2"}, "a:1) and"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "", "HTTP_PROXY": "http://a:1"}, "NO_PROXY"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "is no file"),
        ({"SSL_CERT_FILE": __file__}, "Set both to the same file"),
    ],
)
def test_proxy_and_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], expected: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=tmp_path / "new", health_free_gb=0)
    lines = [str(each) for each in check_host(settings, now(settings)) if each.level != "OK"]
    assert any(expected in line for line in lines)
    assert "secret" not in " ".join(lines)


def test_full_disk_fails(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new", health_free_gb=1e9)
    found = {each.check: each for each in check_host(settings, now(settings))}
    assert found["disk"].level == "failed"


def doctor(sandbox: Sandbox, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command against the sandbox."""
    own = {"ROTATION_HOME": str(home), "DATABASE_URL": ""}
    environment = os.environ | sandbox_environment(sandbox) | own
    environment.pop("PREFECT_API_URL", None)
    return subprocess.run(
        [str(ROTATION), "doctor"], env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_command_passes_with_warnings_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.clear_faults()
    good = doctor(sandbox, tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "No check failed" in good.stdout
    assert SANDBOX_FRED_KEY not in good.stdout
    sandbox.add_fault("status", host="ishares", count=None, status=403)
    partly = doctor(sandbox, tmp_path)
    assert partly.returncode == 0
    assert "warning  ishares: IWM: https://www.ishares.com/" in partly.stdout
    [members] = re.findall(r"\d+ members of IWM as of \S+;", good.stdout)
    assert f"Another URL gave {members}" in partly.stdout


def test_command_names_what_fails_and_exits_with_1(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.clear_faults()
    for host in ("ishares", "blackrock"):
        sandbox.add_fault("status", host=host, count=None, status=403)
    # yfinance goes on without a crumb
    sandbox.add_fault("status", path="getcrumb", count=None, status=429)
    bad = doctor(sandbox, tmp_path)
    sandbox.clear_faults()
    assert bad.returncode == 1
    assert SANDBOX_FRED_KEY not in bad.stdout
    assert "warning  yahoo: Yahoo throttles this address (429 at the crumb)" in bad.stdout
    assert "failed   ishares: http_403" in bad.stdout
    assert "rotation import-holdings FILE --fund IWM" in bad.stdout
