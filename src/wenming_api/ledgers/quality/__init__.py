"""Quality rules (质控标准) : back-tested before they are active, published as data. Tables: quality_rules."""
