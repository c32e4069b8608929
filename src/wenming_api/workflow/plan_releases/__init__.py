"""计划发布与修订: publishing a plan downward, and what each revision changed (C1.1).

Tables: none of its own.
"""
