"""测评表提交与更正 (C3.3): submissions are recorded exactly once. Uses the tables of `city.scoring`."""
