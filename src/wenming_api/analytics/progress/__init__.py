"""Progress (测评进度): how far the sheets of an assessment are, counted as they are now. No tables."""
