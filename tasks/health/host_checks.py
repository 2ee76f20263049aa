"""Check keys, proxy, certificates, disk and time zone of this machine, without any request."""

import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.health.finding import Finding
from warehouse.settings import Settings

FRED_KEY = re.compile(r"[a-z0-9]{32}")
# reserved for examples by RFC 2606, so nobody reads their mail
EXAMPLE_MAIL = re.compile(r"@(.+\.)?example\.(com|org|net)$", re.IGNORECASE)
# read by curl (Yahoo), the first before the second
CURL_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# read by httpx (iShares, SEC) and urllib (FRED)
OPENSSL_BUNDLE = "SSL_CERT_FILE"
NEW_YORK = "America/New_York"


def check_host(settings: Settings, now: datetime) -> list[Finding]:
    """Return the findings on keys, proxy, certificates, disk and time zone.

    Args:
        settings: Of the warehouse.
        now: The logical time.
    """
    return [
        _check_fred_key(settings),
        _check_sec_contact(settings),
        _check_proxy(os.environ),
        *_check_certificates(os.environ),
        _check_disk(settings),
        _check_zone(now),
    ]


def _check_fred_key(settings: Settings) -> Finding:
    if settings.fred_api_key is None:
        return Finding(
            "warning",
            "key",
            "FRED_API_KEY is not set. Keys are free:"
            " https://fred.stlouisfed.org/docs/api/api_key.html",
        )
    key = settings.fred_api_key.get_secret_value().strip()
    if not FRED_KEY.fullmatch(key):
        return Finding(
            "failed",
            "key",
            f"FRED_API_KEY has {len(key)} characters and is no FRED key: those have 32 lower-case"
            " letters and digits. Copy it again from https://fredaccount.stlouisfed.org/apikeys.",
        )
    return Finding("OK", "key", "FRED_API_KEY has the form of a key")


def _check_sec_contact(settings: Settings) -> Finding:
    # an invalid one is refused when the settings are read
    if settings.sec_user_agent is None:
        return Finding(
            "warning",
            "key",
            "ROTATION_SEC_USER_AGENT is not set. Set it to your name and e-mail address; the SEC"
            " requires a contact.",
        )
    address = settings.sec_user_agent.get_secret_value().split()[-1]
    if EXAMPLE_MAIL.search(address):
        return Finding(
            "warning",
            "key",
            "ROTATION_SEC_USER_AGENT has an address of an example domain. Set your own: the SEC"
            " writes to it before it blocks a client.",
        )
    return Finding("OK", "key", "ROTATION_SEC_USER_AGENT names a contact")


def _check_proxy(environment: Mapping[str, str]) -> Finding:
    upper, lower = environment.get("HTTPS_PROXY", ""), environment.get("https_proxy", "")
    if upper and lower and upper != lower:
        return Finding(
            "warning",
            "proxy",
            f"HTTPS_PROXY ({_address(upper)}) and https_proxy ({_address(lower)}) differ, and each"
            " client reads another one. Set both to the same address.",
        )
    proxy = lower or upper
    if not proxy:
        return Finding("OK", "proxy", "none; requests go out directly")
    direct = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    uses_http = environment.get("HTTP_PROXY") or environment.get("http_proxy")
    if uses_http and "127.0.0.1" not in direct and direct != "*":
        return Finding(
            "warning",
            "proxy",
            "HTTP_PROXY is set, and NO_PROXY lacks 127.0.0.1: requests to the local Prefect server"
            " would go through the proxy. Set NO_PROXY=127.0.0.1,localhost.",
        )
    return Finding("OK", "proxy", f"requests go through {_address(proxy)}")


def _address(proxy: str) -> str:
    """Return host and port of a proxy without its login."""
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.netloc.rpartition("@")[2]


def _check_certificates(environment: Mapping[str, str]) -> Iterable[Finding]:
    bundles = {name: environment.get(name, "") for name in (*CURL_BUNDLES, OPENSSL_BUNDLE)}
    chosen = {name: path for name, path in bundles.items() if path}
    missing = [name for name, path in chosen.items() if not Path(path).is_file()]
    for name in missing:
        yield Finding(
            "failed",
            "tls",
            f"{name} is {chosen[name]}, which is no file. Correct or remove it; its clients can"
            " trust no provider.",
        )
    has_curl = any(name in chosen for name in CURL_BUNDLES)
    if not missing and has_curl != (OPENSSL_BUNDLE in chosen):
        yield Finding(
            "warning",
            "tls",
            f"{' and '.join(chosen)} set alone: Yahoo's client reads REQUESTS_CA_BUNDLE, the others"
            " SSL_CERT_FILE. Set both to the same file, or neither.",
        )
    elif not missing:
        names = ", ".join(chosen)
        yield Finding("OK", "tls", f"certificates of {names}" if names else "usual certificates")


def _check_disk(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(
            "failed",
            "disk",
            f"this account may not write to {folder}. Set ROTATION_HOME to a folder of yours.",
        )
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < settings.health_free_gb:
        return Finding(
            "failed",
            "disk",
            f"{free_gb:.1f} GB free for {settings.home}, less than ROTATION_HEALTH_FREE_GB,"
            f" {settings.health_free_gb:g}. Free space, or set ROTATION_HOME to another disk.",
        )
    return Finding("OK", "disk", f"{free_gb:.1f} GB free for {settings.home}")


def _check_zone(now: datetime) -> Finding:
    try:
        there = now.astimezone(ZoneInfo(NEW_YORK))
    except ZoneInfoNotFoundError:
        return Finding(
            "failed",
            "zone",
            f"this machine has no time zone data of {NEW_YORK}, which dates all sessions. Install"
            " the system's tzdata package.",
        )
    return Finding(
        "OK",
        "zone",
        f"{there:%Y-%m-%d %H:%M} in New York, which dates all sessions; this machine's zone,"
        f" {time.tzname[0]}, has no effect",
    )
