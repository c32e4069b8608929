"""Rankings (排名): the published lists, for everybody. No tables."""
