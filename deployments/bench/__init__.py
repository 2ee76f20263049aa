"""Benchmark of the breadth derivation: `make bench`.

It stands with the deployments, since it starts a server and fills warehouses as they do; the tests
must not take minutes, and assert, which this does not.
"""
