"""测评表审核 (C3.3): accepted or returned by somebody else; where assessors disagree. Table: sheet_reviews."""
