"""Incremental derivation: change sets, watermarks and index members."""
