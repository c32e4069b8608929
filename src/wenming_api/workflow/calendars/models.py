"""Tables of the working calendar."""

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Stamped, Versioned, enum_column
from wenming_api.workflow.calendars.rules import HolidayKind


class Holiday(Stamped, Versioned, Base):
    """A day that departs from the week: a public holiday, or a weekend that is worked instead.

    `note` says where the entry comes from, and whether somebody has still to confirm it.
    """

    __tablename__ = "holidays"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[HolidayKind] = enum_column(HolidayKind)
    name: Mapped[str]
    note: Mapped[str | None]
