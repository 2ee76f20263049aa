"""The instant that counts as now."""

from datetime import UTC, datetime

import httpx

from warehouse.base_error import RotationError
from warehouse.settings import Settings


class ClockError(RotationError):
    """ROTATION_CLOCK can't be read; a run must not guess what day it is."""


def now(settings: Settings) -> datetime:
    """The instant that counts as now, asked once at the start of a run and handed down.

    Raises:
        ClockError: when ROTATION_CLOCK is neither an instant nor a URL that tells one.
    """
    if not settings.clock:
        return datetime.now(UTC)
    value = settings.clock
    if value.startswith("http"):
        try:
            # the clock stands on this machine: the providers' proxy is not for it
            with httpx.Client(trust_env=False, timeout=60) as client:
                value = client.get(settings.clock).raise_for_status().json()["now"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ClockError(f"ROTATION_CLOCK {settings.clock} tells no time: {error}") from error
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise ClockError(f"ROTATION_CLOCK says {value!r}, which is no ISO instant.") from error
    if instant.tzinfo is None:
        raise ClockError(f"ROTATION_CLOCK says {value!r}, which has no offset: add Z or +00:00.")
    return instant.astimezone(UTC)
