"""文明家庭: families and their personal data, shown to few. Tables: title_families."""
