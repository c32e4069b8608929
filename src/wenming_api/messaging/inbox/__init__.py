"""The inbox (站内消息): notifications to a user.

Tables: messages.
"""
