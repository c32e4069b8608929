"""审批提醒 (S4.3): deciders are told what waits for them and what is due. No tables."""
