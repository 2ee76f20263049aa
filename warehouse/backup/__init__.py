"""Backup, restore and content checksums."""
