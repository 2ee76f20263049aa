"""Defects injected into simulated bars, and the truth about them."""
