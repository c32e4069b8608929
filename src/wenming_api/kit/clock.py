"""The one clock of the service: aware UTC inside, Asia/Shanghai at the edges."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def at_the_edge(moment: datetime) -> datetime:
    """The same instant in the zone that users read (Asia/Shanghai)."""
    return moment.astimezone(SHANGHAI)
