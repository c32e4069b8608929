"""Tables of site types."""

from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class SiteType(Keyed, Stamped, Versioned, Base):
    """A kind of site (点位类型). `is_place` is false for kinds checked by a call or a walked procedure."""

    __tablename__ = "site_types"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    category: Mapped[str]
    is_place: Mapped[bool]
    active: Mapped[bool]
    position: Mapped[int]
    source: Mapped[str | None]
    note: Mapped[str | None]
