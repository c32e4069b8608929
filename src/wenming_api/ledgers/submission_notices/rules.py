"""The words of the notices about submissions: pure."""

from datetime import datetime
from enum import StrEnum


class News(StrEnum):
    """What happened to a submission that its people are told."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    ARCHIVED = "archived"
    WITHDRAWN = "withdrawn"

    @property
    def heading(self) -> str:
        """The heading of the message."""
        return {
            "received": "您报送的台账已签收",
            "accepted": "您报送的台账已审核通过",
            "returned": "您报送的台账被退回",
            "archived": "您报送的台账已归档",
            "withdrawn": "报送已撤回",
        }[self.value]


def line(news: News, *, record_title: str, unit_name: str, reason: str | None) -> str:
    """One line of a message. `unit_name` is the other side's."""
    happened = {
        News.RECEIVED: "已签收",
        News.ACCEPTED: "审核通过",
        News.RETURNED: "退回",
        News.ARCHIVED: "已归档",
        News.WITHDRAWN: "撤回",
    }[news]
    said = f"{unit_name}{happened}“{record_title}”"
    return f"{said}：{reason}" if reason else f"{said}。"


def key(news: News, unit_id: object, at: datetime) -> str:
    """The key of the message that gathers all news of one kind from one unit within an hour."""
    return f"submissions-{news}:{unit_id}:{at:%Y%m%d%H}"
