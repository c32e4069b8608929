"""代理 (委托与外出): who decides in whose place, and when. Tables: stand_ins."""
