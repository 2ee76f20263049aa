"""Loads validated rows and publishes derived ones, one transaction each."""
