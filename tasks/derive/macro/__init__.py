"""Macro regime, and the market's reactions to releases and rates."""
