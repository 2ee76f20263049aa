"""Connections, DSNs, TLS and the Arrow bridge."""
