"""文明称号评选标准: kinds and levels of civility titles and what each is judged by, as data. Tables: title_rules."""
