"""Backfills: what is asked for, what is missing, what came of it."""
