"""Benchmarks: `make bench` (stages), `make breadth` (a derivation), `make accuracy` (filings).

They stand with the deployments, since they start servers and fill warehouses as those do; the tests
must not take minutes, and assert, which these do not.
"""
