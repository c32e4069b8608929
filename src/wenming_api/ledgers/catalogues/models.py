"""Tables of catalogues."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.catalogues.rules import CatalogueKind, CatalogueState


class Catalogue(Keyed, UnitMember, Stamped, Versioned, Base):
    """A tree of categories or indicators, kept by the unit `unit_id`. `year`: of which it is meant, or any."""

    __tablename__ = "catalogues"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[CatalogueKind] = enum_column(CatalogueKind)
    year: Mapped[int | None]
    state: Mapped[CatalogueState] = enum_column(CatalogueState, default=CatalogueState.DRAFT)
    level_names: Mapped[list[str]]
    source: Mapped[str | None]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    cloned_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalogues.id", ondelete="SET NULL"), index=True)

    __table_args__ = (
        CheckConstraint("year BETWEEN 1949 AND 2200", name="year"),
        CheckConstraint("cardinality(level_names) BETWEEN 1 AND 6", name="level_names"),
        Index("ix_catalogues_name", "name", "id"),
    )


class CatalogueNode(Keyed, Stamped, Versioned, Base):
    """A node: inner ones are big categories (大类), leaves are small ones (小类), which records name.

    `path` holds the codes from the top down, each followed by a slash. `required` is how many entries a year needs to
    be complete; `statement_limit` counts characters, `photo_limit_bytes` bytes of one photo in a report.
    """

    __tablename__ = "catalogue_nodes"

    catalogue_id: Mapped[UUID] = mapped_column(ForeignKey("catalogues.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalogue_nodes.id", ondelete="CASCADE"), index=True)
    path: Mapped[str]
    depth: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    position: Mapped[int]
    leaf: Mapped[bool]
    required: Mapped[int]
    guidance: Mapped[str | None]
    statement_limit: Mapped[int | None]
    photo_limit_bytes: Mapped[int | None]
    active: Mapped[bool]

    __table_args__ = (
        UniqueConstraint("catalogue_id", "path"),
        CheckConstraint("depth BETWEEN 1 AND 6", name="depth"),
        CheckConstraint("required >= 0", name="required"),
        CheckConstraint("statement_limit > 0", name="statement_limit"),
        CheckConstraint("photo_limit_bytes > 0", name="photo_limit_bytes"),
    )


class CatalogueLink(Base):
    """What is filed under one node also counts for the other: one typing serves a category and an indicator."""

    __tablename__ = "catalogue_links"

    from_node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id", ondelete="CASCADE"), primary_key=True)
    to_node_id: Mapped[UUID] = mapped_column(
        ForeignKey("catalogue_nodes.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    __table_args__ = (CheckConstraint("from_node_id <> to_node_id", name="apart"),)
