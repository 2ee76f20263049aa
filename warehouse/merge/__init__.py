"""Merges batches into tables and resolves tickers to instruments."""
