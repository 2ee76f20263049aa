"""One backfill adapter per dataset."""
