"""Extract index members from iShares holdings files."""
