"""Tables of templates."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitScoped
from wenming_api.activities.templates.rules import TemplateState
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class ActivityTemplate(Keyed, UnitScoped, Stamped, Versioned, Base):
    """A template for activities of one type, kept by a unit for itself and the units below; by none: for all.

    `activity_type` is a code of the dictionary `activity_category`.
    """

    __tablename__ = "activity_templates"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    activity_type: Mapped[str]
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)

    __table_args__ = (CheckConstraint("(unit_id IS NULL) = (unit_path IS NULL)", name="keeper"),)


class ActivityTemplateVersion(Keyed, Base):
    """The `no`-th version of a template; once active it does not change. `fields` are `rules.TemplateField`, `evidence`
    is `rules.Evidence` as JSON; `node_ids` the categories that a plan starts with."""

    __tablename__ = "activity_template_versions"

    template_id: Mapped[UUID] = mapped_column(ForeignKey("activity_templates.id"))
    no: Mapped[int]
    state: Mapped[TemplateState] = enum_column(TemplateState)
    fields: Mapped[list[dict[str, Any]]]
    evidence: Mapped[dict[str, Any]]
    node_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    guidance: Mapped[str]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        UniqueConstraint("template_id", "no"),
        Index(
            "uq_activity_template_versions_active",
            "template_id",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "uq_activity_template_versions_draft", "template_id", unique=True, postgresql_where=text("state = 'draft'")
        ),
    )
