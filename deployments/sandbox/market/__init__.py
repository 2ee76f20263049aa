"""Simulate a market from a seed and write it as a tape with ground truth."""

from deployments.sandbox.market.tape.write import simulate

__all__ = ["simulate"]
