"""Count the rows of a merge by result."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class MergeCounts:
    """Numbers of rows by the result of comparing a batch with the stored rows."""

    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0

    def plus(self, other: "MergeCounts") -> "MergeCounts":
        """Return the sums of both."""
        return MergeCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))
