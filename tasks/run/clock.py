"""Logical time of a run: this machine's clock, a fixed time, or a replay's clock."""

from datetime import UTC, datetime

from tasks.http_client import HttpError, open_local_client
from warehouse.base_error import RotationError
from warehouse.settings import Settings


class ClockError(RotationError):
    """ROTATION_CLOCK can't be read; a run must not guess the date."""


def now(settings: Settings) -> datetime:
    """Return the logical time; read once at the start of a run and passed on.

    Raises:
        ClockError: ROTATION_CLOCK is neither an ISO time nor a URL that returns one.
    """
    if not settings.clock:
        return datetime.now(UTC)
    value = settings.clock
    if value.startswith("http"):
        try:
            # the clock runs on this machine, so the providers' proxy does not apply
            with open_local_client(60) as client:
                value = client.get(settings.clock).raise_for_status().json()["now"]
        except (HttpError, ValueError, KeyError) as error:
            raise ClockError(
                f"ROTATION_CLOCK {settings.clock} returned no timestamp: {error}"
            ) from error
    try:
        logical_time = datetime.fromisoformat(value)
    except ValueError as error:
        raise ClockError(f"ROTATION_CLOCK is {value!r}, which is not an ISO time.") from error
    if logical_time.tzinfo is None:
        raise ClockError(f"ROTATION_CLOCK is {value!r}, without an offset: add Z or +00:00.")
    return logical_time.astimezone(UTC)
