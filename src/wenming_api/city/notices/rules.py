"""The words of the notices: pure."""

from dataclasses import dataclass
from datetime import datetime

HOUR = "%Y%m%d%H"


@dataclass(frozen=True, slots=True)
class About:
    """The assessment that a notice is about, as its readers know it."""

    number: str
    name: str

    def __str__(self) -> str:
        return f"“{self.name}”（{self.number}）"


def assigned(about: About, sheets: int) -> str:
    """To an assessor: how many sheets are his now."""
    return f"测评{about}分配给您 {sheets} 张测评表。"


def returned(site_name: str, reason: str | None) -> str:
    """To an author: which sheet came back, and why."""
    return f"“{site_name}”的测评表被退回：{reason}" if reason else f"“{site_name}”的测评表被退回。"


def proposed(about: About, *, proposer: str, what: str) -> str:
    """To those who may confirm: what is proposed, by whom, and why."""
    return f"测评{about}：{proposer}对{what}，待第二人确认。"


def moved(about: About, state: str, reason: str) -> str:
    """To assessors: whether they may work now."""
    return f"测评{about}现为“{state}”：{reason}"


def decided(captured_at: datetime, *, admitted: bool, reason: str) -> str:
    """To an author: what became of what came late; the time is in the zone of the reader."""
    outcome = "已收入成绩依据" if admitted else "不予收入"
    return f"您于 {captured_at:%Y-%m-%d %H:%M} 完成、迟到上报的测评表{outcome}：{reason}"


def published(about: About) -> str:
    """To all whom a result concerns."""
    return f"测评{about}的成绩已发布，请查看本单位、本区域的成绩。"


def key(what: str, id_: object, at: datetime) -> str:
    """The key of a message that gathers all news of one kind about one thing within an hour."""
    return f"{what}:{id_}:{at.strftime(HOUR)}"
