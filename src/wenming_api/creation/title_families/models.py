"""Tables of families."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class TitleFamily(Keyed, UnitMember, OwnerScoped, Stamped, Versioned, Base):
    """A family that holds or applies for a title, entered by the unit that looks after it (a community, say).

    Name and address are personal data: they are nowhere else, and neither logs nor audit entries repeat them.
    """

    __tablename__ = "title_families"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    address: Mapped[str]
    members: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
