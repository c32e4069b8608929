"""离线批量提交与迟到处理 (C3.3): batches from phones that were offline, and the tray for what came too late.

Uses the tables of `city.scoring`.
"""
