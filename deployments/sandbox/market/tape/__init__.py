"""Writes a simulated market as a tape."""
