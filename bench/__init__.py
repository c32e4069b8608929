"""Measures the real server on generated data, against bare baselines of the same run. `make bench`."""
