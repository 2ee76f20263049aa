"""Validates frames against their contracts with Great Expectations."""
