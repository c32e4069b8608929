"""答题链接 (C3.7): one-time links for respondents without an account. Tables: survey_link_batches, survey_links."""
