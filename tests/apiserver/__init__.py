"""A real Kubernetes API server for the tests: found, or built from Debian's source, started on loopback, and asked.

It knows nothing of Brownout: what is declared and observed there is the business of the tests.
"""
