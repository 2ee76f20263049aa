"""Backfills: request, plan of gaps and work items, execution and reporting."""
