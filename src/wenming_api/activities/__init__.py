"""创建活动管理: activities from plan to record."""
