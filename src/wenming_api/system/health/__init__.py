"""Health, readiness and metrics (运维监控, O1). No tables."""
