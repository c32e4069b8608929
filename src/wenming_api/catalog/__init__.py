"""Two alphabetised lists without logic: permissions and events."""
