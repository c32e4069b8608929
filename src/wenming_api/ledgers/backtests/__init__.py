"""Back-tests (回测) of quality rules over the current versions of records. No tables."""
