"""The proxy stays on this machine, and its control port is for its user alone."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx
import pytest

from deployments.sandbox.client import Sandbox, SandboxError
from deployments.stack.processes import process_identity

# Writes down every connection that the process asks for.
WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        print("WATCHED", event, arguments[-1] if event == "socket.bind" else arguments,
              file=sys.stderr, flush=True)
sys.addaudithook(watch)
"""
PATIENCE_SECONDS = 120
CHART = "https://query2.finance.yahoo.com/v8/finance/chart/AAA"


def proxied(sandbox, **options):
    trust = ssl.create_default_context(cafile=str(sandbox.ca_bundle))
    patient = {"timeout": PATIENCE_SECONDS} | options
    return httpx.Client(proxy=f"http://127.0.0.1:{sandbox.port}", verify=trust, **patient)


def control(sandbox, method, path, **options):
    url = f"http://127.0.0.1:{sandbox.port}{path}"
    with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as http:
        return http.request(method, url, **options)


@pytest.mark.parametrize("url", ["https://example.com/", "https://fc.yahoo.com:8443/"])
def test_an_unknown_host_is_refused_and_logged(sandbox, url):
    with proxied(sandbox) as http, pytest.raises(httpx.ProxyError, match="403"):
        http.get(url)
    entry = sandbox.requests()[-1]
    assert (entry["method"], entry["status"]) == ("CONNECT", 403)
    assert entry["path"].startswith(httpx.URL(url).host)


def test_it_never_dials_out(tiny_tape, tmp_path, monkeypatch):
    watcher = tmp_path / "watcher"
    watcher.mkdir()
    (watcher / "sitecustomize.py").write_text(WATCH)
    monkeypatch.setenv("PYTHONPATH", str(watcher))
    with Sandbox.start(tiny_tape, tmp_path / "home") as sandbox:
        with proxied(sandbox) as http:
            assert http.get(CHART).status_code == 200
            with pytest.raises(httpx.ProxyError):
                http.get("https://example.com/")
        log = (sandbox.home / "sandbox.log").read_text()
    events = [line for line in log.splitlines() if line.startswith("WATCHED")]
    assert events == ["WATCHED socket.bind ('127.0.0.1', 0)"]


def test_connections_are_kept(sandbox):
    with proxied(sandbox) as http:
        peers = set()
        for _ in range(3):
            with http.stream("GET", CHART) as reply:
                reply.read()
                peers.add(reply.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(peers) == 1


def test_a_client_that_does_not_trust_it_is_told_in_the_log(sandbox):
    untrusted = pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED")
    proxy = f"http://127.0.0.1:{sandbox.port}"
    with httpx.Client(proxy=proxy, timeout=PATIENCE_SECONDS) as http, untrusted:
        http.get(CHART)
    deadline = time.monotonic() + PATIENCE_SECONDS  # the log is another process's
    while "Does it trust our CA?" not in (sandbox.home / "sandbox.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_bundle_holds_certificates_alone(sandbox):
    bundle = sandbox.ca_bundle.read_text()
    assert "PRIVATE KEY" not in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 100  # certifi's and ours


def test_the_clock(sandbox):
    assert control(sandbox, "GET", "/clock").json() == {"now": "2024-03-12T23:00:00Z"}
    assert sandbox.now() == datetime(2024, 3, 12, 23, tzinfo=UTC)
    sandbox.set_clock("2024-11-01T09:30:00-04:00")
    assert control(sandbox, "GET", "/clock").json() == {"now": "2024-11-01T13:30:00Z"}
    with pytest.raises(SandboxError, match="has no offset"):
        sandbox.set_clock("2024-11-01T09:30:00")
    with pytest.raises(ValueError, match="has no offset"):
        sandbox.set_clock(datetime(2024, 11, 1))


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/clock"), ("POST", "/faults"), ("DELETE", "/faults"), ("DELETE", "/requests")],
)
def test_changes_need_the_header(sandbox, method, path):
    assert control(sandbox, method, path).status_code == 403


def test_control_is_for_this_machine_by_its_own_name(sandbox):
    evil = {"Host": f"evil.example:{sandbox.port}", "X-Rotation-Sandbox": "1"}
    assert control(sandbox, "GET", "/requests", headers=evil).status_code == 403
    assert control(sandbox, "GET", "/health").json()["tape"] == "tiny"
    assert control(sandbox, "GET", "/nothing").status_code == 404


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "flood"}, "the kinds are"),
        ({"kind": "hang", "minutes": 1}, "unknown"),
        ({"kind": "hang", "path": "("}, "no regular expression"),
    ],
)
def test_a_wrong_fault_is_refused(sandbox, fault, message):
    with pytest.raises(SandboxError, match=message):
        sandbox.add_fault(**fault)


def test_the_environment_is_complete(sandbox):
    environment = sandbox.environment()
    proxy = f"http://127.0.0.1:{sandbox.port}"
    assert environment["HTTPS_PROXY"] == environment["https_proxy"] == proxy
    assert "HTTP_PROXY" not in environment  # Prefect's own API is plain HTTP on this machine
    assert environment["ROTATION_CLOCK"] == f"{proxy}/clock"
    assert environment["XDG_CACHE_HOME"] == str(sandbox.home / "cache")


def test_attach_start_and_stop(tiny_tape, tmp_path):
    with pytest.raises(SandboxError, match="No sandbox runs"):
        Sandbox.attach(tmp_path)
    first = Sandbox.start(tiny_tape, tmp_path, clock="2024-03-08T23:00:00Z")
    state = json.loads((tmp_path / "sandbox.json").read_text())
    assert (state["tape"], state["kind"], state["pid"]) == ("tiny", "simulated", first.pid)
    with pytest.raises(SandboxError, match="already"):
        Sandbox.start(tiny_tape, tmp_path)
    found = Sandbox.attach(tmp_path)
    assert found == first
    assert found.now() == datetime(2024, 3, 8, 23, tzinfo=UTC)
    found.add_fault("hang", seconds=60)
    found.stop()
    # also one that was started elsewhere has ended then
    assert process_identity(first.pid) is None
    first.stop()
    assert first._process.returncode == 0
    assert not (tmp_path / "sandbox.json").exists()


def test_one_that_was_killed_is_replaced(tiny_tape, tmp_path):
    killed = Sandbox.start(tiny_tape, tmp_path)
    os.kill(killed.pid, signal.SIGKILL)
    killed._process.wait()
    with Sandbox.start(tiny_tape, tmp_path) as second:
        killed.stop()  # leaves its successor alone
        assert Sandbox.attach(tmp_path) == second
        assert second.pid != killed.pid


def test_a_stop_does_not_wait_for_a_hanging_reply(tiny_tape, tmp_path):
    with Sandbox.start(tiny_tape, tmp_path) as sandbox:
        sandbox.add_fault("hang", seconds=600)
        timeout = httpx.Timeout(PATIENCE_SECONDS, read=0.5)
        with proxied(sandbox, timeout=timeout) as http, pytest.raises(httpx.ReadTimeout):
            http.get(CHART)
    # stopping raises where the process does not end within minutes
    assert sandbox._process.poll() is not None


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tape.toml", None, "has no tape.toml"),
        ("tape.toml", b"kind = 'real'", "It needs a name"),
        ("bars.parquet", b"nothing", "bars.parquet cannot be read"),
        ("actions.csv", b"ticker,ex_date\n", "lacks the columns \\['kind', 'value'\\]"),
        ("series.csv", b"series_id\n", "series.csv lacks the columns"),
    ],
)
def test_a_bad_tape_is_named(tmp_path, file, content, message):
    tape = tmp_path / "tape"
    tape.mkdir()
    label = b'name = "bad"\nkind = "real"\nclock = "2024-03-08T23:00:00Z"\n'
    (tape / "tape.toml").write_bytes(label)
    if content is None:
        (tape / file).unlink()
    else:
        (tape / file).write_bytes(content)
    with pytest.raises(SandboxError, match=message):
        Sandbox.start(tape, tmp_path / "home")


def test_a_tape_may_lack_all_but_one_source(tmp_path):
    label = 'name = "bare"\nkind = "real"\nclock = "2024-03-08T23:00:00Z"\n'
    (tmp_path / "tape.toml").write_text(label)
    # one source without content: a tape that holds nothing is refused
    (tmp_path / "companyfacts").mkdir()
    with Sandbox.start(tmp_path, tmp_path / "home") as sandbox, proxied(sandbox) as http:
        assert http.get(CHART).status_code == 404
        key = "a" * 32
        url = f"https://api.stlouisfed.org/fred/series?series_id=CPI&api_key={key}"
        assert http.get(url).status_code == 400
        url = "https://www.ishares.com/us/products/239710/x/latest-holdings.csv"
        assert http.get(url).status_code == 200


def test_the_steering_side_is_light():
    code = "import sys, deployments.sandbox.client as c; print([m for m in sys.modules if m in "
    code += "('polars', 'numpy', 'pandas', 'trustme', 'starlette')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
