"""Real servers from wheels (PostgreSQL, Valkey, SeaweedFS), supervised by one parent process.

They serve the one-command profile and the tests. Production gives URLs of real services instead, and no code
outside this package can tell the difference. Everything comes in by arguments.
"""
