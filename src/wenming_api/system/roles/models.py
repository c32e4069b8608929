"""Tables of roles."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.system.roles.rules import DataScope


class Role(Keyed, Stamped, Versioned, Base):
    """A role: permissions and a data scope. Built-in roles cannot be changed or deleted.

    `grantable` are permissions that holders may give to others without exercising them (security administrator).
    """

    __tablename__ = "roles"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    permissions: Mapped[list[str]]
    grantable: Mapped[list[str]]
    data_scope: Mapped[DataScope] = enum_column(DataScope)
    builtin: Mapped[bool] = mapped_column(default=False)


class RoleRegion(Base):
    """A region of a role whose data scope is custom."""

    __tablename__ = "role_regions"

    role_id: Mapped[UUID] = mapped_column(ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True)
    region_id: Mapped[UUID] = mapped_column(ForeignKey("regions.id"), primary_key=True)
