"""Define the result of a check that is made before a run."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["OK", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """State what one check found.

    Attributes:
        level: failed: a run would fail or lack a dataset; warning: it would lack a part.
        check: The provider, or: key, proxy, tls, disk, clock, zone, port, version.
        message: What was found, what a run will have or lack, and what to do; holds no secret.
    """

    level: Level
    check: str
    message: str

    def __str__(self) -> str:
        """Return the line that users read."""
        return f"{self.level:<8} {self.check}: {' '.join(self.message.split())}"
