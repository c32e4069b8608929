"""Tables of one-time links: batches, and of every link only a hash."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class LinkBatch(Keyed, Stamped, Versioned, Base):
    """Links made at once, shown once."""

    __tablename__ = "survey_link_batches"
    __table_args__ = (CheckConstraint("links > 0", name="links"),)

    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id", ondelete="CASCADE"), index=True)
    links: Mapped[int]
    note: Mapped[str | None]
    expires_at: Mapped[datetime]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


class Link(Base):
    """A link for one answer in one stratum. Neither the answer nor the time it came is kept here: `receipt` is keyed by
    the token itself, so that only who holds the token can show that an answer was sent with it."""

    __tablename__ = "survey_links"
    __table_args__ = (
        CheckConstraint("spent = (receipt IS NOT NULL)", name="receipt"),
        CheckConstraint("NOT (spent AND revoked)", name="one_end"),
        Index("ix_survey_links_stratum", "stratum_id"),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("survey_link_batches.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    stratum_id: Mapped[UUID] = mapped_column(ForeignKey("survey_strata.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    spent: Mapped[bool]
    revoked: Mapped[bool]
    receipt: Mapped[bytes | None] = mapped_column(LargeBinary)
