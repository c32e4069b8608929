"""Snapshots (测评快照): the frozen inputs of a result and their canonical, hashable form. No tables."""
