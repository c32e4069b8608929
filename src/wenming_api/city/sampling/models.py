"""Tables of draws: the head, the frozen frame, the sites of the frame in drawing order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.city.sampling.rules import DrawSiteStatus, DrawState, Proposal
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class Draw(Keyed, Stamped, Versioned, Base):
    """A draw (抽选) of an assessment, the `no`-th; never deleted. One of an assessment at most is not void.

    `secret` leaves the database only with the public record, after the field work or when the draw is void.
    `quotas` and `regions` are copies taken at the commitment, so that what was promised cannot change under
    it.
    """

    __tablename__ = "draws"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    no: Mapped[int]
    state: Mapped[DrawState] = enum_column(DrawState, default=DrawState.COMMITTED)
    proposal: Mapped[Proposal | None] = enum_column(Proposal)
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[datetime | None]
    proposed_reason: Mapped[str | None]

    secret: Mapped[str]
    commitment: Mapped[str]
    quotas: Mapped[list[dict[str, Any]]]
    regions: Mapped[list[dict[str, Any]]]
    public_value_source: Mapped[str | None]
    public_value_at: Mapped[datetime | None]
    committed_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    committed_at: Mapped[datetime]

    frame_hash: Mapped[str | None]
    frame_size: Mapped[int | None]
    frozen_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    frozen_at: Mapped[datetime | None]

    public_value: Mapped[str | None]
    seed: Mapped[str | None]
    drawn_count: Mapped[int | None]
    drawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    drawn_at: Mapped[datetime | None]

    effective_proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    effective_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    effective_at: Mapped[datetime | None]
    effective_reason: Mapped[str | None]
    void_proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    void_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    void_at: Mapped[datetime | None]
    void_reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("assessment_id", "no"),
        Index("uq_draws_live", "assessment_id", unique=True, postgresql_where=text("state <> 'void'")),
        CheckConstraint("(proposal IS NULL) = (proposed_by IS NULL)", name="proposal_by"),
        CheckConstraint("(public_value_source IS NULL) = (public_value_at IS NULL)", name="public_value_source"),
        CheckConstraint("state NOT IN ('frozen', 'drawn', 'effective') OR frame_hash IS NOT NULL", name="frozen"),
        CheckConstraint("state NOT IN ('drawn', 'effective') OR seed IS NOT NULL", name="drawn"),
        CheckConstraint(
            "state <> 'effective' OR coalesce(effective_by <> effective_proposed_by, false)", name="effective"
        ),
        CheckConstraint(
            "state <> 'void' OR (coalesce(void_by <> void_proposed_by, false) AND void_reason IS NOT NULL)", name="void"
        ),
    )


class DrawFrame(Base):
    """The frozen frame of a draw, byte for byte as it was hashed."""

    __tablename__ = "draw_frames"

    draw_id: Mapped[UUID] = mapped_column(ForeignKey("draws.id"), primary_key=True)
    lines: Mapped[str]


class DrawSite(Base):
    """A site of the frame in a draw: `rank` from 1 in its stratum, everything else as it was then.

    A frozen frame may hold 100,000 of them, which are written at once: they carry no foreign keys, since draws are
    never deleted and sites only put out of use, and no index that the drawn ones alone would not need.
    """

    __tablename__ = "draw_sites"

    draw_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    stratum: Mapped[str]
    rank: Mapped[int]
    status: Mapped[DrawSiteStatus] = enum_column(DrawSiteStatus)
    site_type_code: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    region_id: Mapped[UUID]
    region_path: Mapped[str]
    responsible_unit_id: Mapped[UUID | None]
    unit_path: Mapped[str | None]
    industry_code: Mapped[str | None]
    replaces_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    file_id: Mapped[UUID | None]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("draw_id", "stratum", "rank"),
        Index(
            "ix_draw_sites_in_field",
            "draw_id",
            "status",
            "stratum",
            "rank",
            postgresql_where=text("status <> 'reserve'"),
        ),
        CheckConstraint("rank > 0", name="rank"),
        CheckConstraint("(status = 'replacement') = (replaces_id IS NOT NULL) OR status = 'replaced'", name="replaces"),
        CheckConstraint("status <> 'replaced' OR (reason IS NOT NULL AND file_id IS NOT NULL)", name="replaced"),
    )
