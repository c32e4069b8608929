"""Review inside the unit (单位内部审核): submitting, taking back, approving, returning. No table of its own."""
