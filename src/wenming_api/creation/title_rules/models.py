"""Tables of title rules."""

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel, TitleRuleState
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class TitleRule(Keyed, Stamped, Versioned, Base):
    """What a kind of title is judged by (评选标准); immutable once published.

    `items` and `vetoes` are `rules.Item` and `rules.Veto` as JSON. `prerequisite` is the level that a holder must have
    before it applies; `pass_score` the least total, None without a threshold. `sample` marks what came with the
    product from public sources.
    """

    __tablename__ = "title_rules"

    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[TitleKind] = enum_column(TitleKind)
    name: Mapped[str]
    edition: Mapped[str]
    source: Mapped[str]
    note: Mapped[str]
    prerequisite: Mapped[TitleLevel] = enum_column(TitleLevel, default=TitleLevel.NONE)
    pass_score: Mapped[Decimal | None]
    items: Mapped[list[dict[str, Any]]]
    vetoes: Mapped[list[dict[str, Any]]]
    sample: Mapped[bool] = mapped_column(default=False)
    state: Mapped[TitleRuleState] = enum_column(TitleRuleState, default=TitleRuleState.DRAFT)

    __table_args__ = (CheckConstraint("pass_score >= 0", name="pass_score"),)
