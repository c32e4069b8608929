"""重点、专题工作 (S1.4, A6): work that an upper unit calls for and that records are sent to. Table: topics."""
