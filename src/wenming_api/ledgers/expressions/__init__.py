"""The closed expression language of quality rules (质控表达式): judged, put into SQL and words. No tables."""
