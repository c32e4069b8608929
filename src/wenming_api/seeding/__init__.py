"""Base data and the made-up data of the demo city: what `wenming seed` loads."""
