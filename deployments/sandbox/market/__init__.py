"""A market simulated from a seed, written as a tape whose truth is known."""

from deployments.sandbox.market.tape.write import simulate

__all__ = ["simulate"]
