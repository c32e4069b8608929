"""Health, readiness and metrics (O1). No tables."""
