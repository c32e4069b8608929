"""报送通知: telling senders and receivers in their inbox what happened to a submission. No tables."""
