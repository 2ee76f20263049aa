"""iShares: holdings files of the funds."""
