"""Define the errors of funds and holdings files."""

from warehouse.base_error import RotationError


class UnknownFund(RotationError):
    """Report a fund that reference table fund does not list."""


class HoldingsParseError(ValueError):
    """Report a reply that is no complete holdings file; `reason` is html, truncated or not_csv."""

    def __init__(self, reason: str, detail: str) -> None:
        """Store the reason code and the sentence."""
        super().__init__(detail)
        self.reason = reason
