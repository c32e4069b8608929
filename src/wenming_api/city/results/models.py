"""Tables of results. A published result, and the rows and the snapshot of any result, never change (triggers)."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.city.results.rules import Cut, ResultState
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class Result(Keyed, Stamped, Versioned, Base):
    """The figures of an assessment (测评成绩) as of one computation, the `no`-th.

    `hash` is SHA-256 over the frozen inputs and every stored figure (`rollup.rules.result_hash`), `inputs_hash` over
    the inputs alone; `form` numbers the canonical form and the arithmetic. `lists` names the ranking groups with
    their methods and weights. `open_sheets` counts the sheets of the
    draw that were not accepted then. `current` marks the newest result of an assessment, which for good is the
    published one: the one that statistics read.
    """

    __tablename__ = "results"

    assessment_id: Mapped[UUID] = mapped_column(ForeignKey("assessments.id"))
    region_path: Mapped[str]
    no: Mapped[int]
    state: Mapped[ResultState] = enum_column(ResultState)
    current: Mapped[bool]
    form: Mapped[int]
    hash: Mapped[str]
    inputs_hash: Mapped[str]
    sites: Mapped[int]
    scored_sites: Mapped[int]
    sheets: Mapped[int]
    open_sheets: Mapped[int]
    lines: Mapped[int]
    lists: Mapped[list[dict[str, Any]]]
    computed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    computed_at: Mapped[datetime]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("assessment_id", "no"),
        Index("uq_results_published", "assessment_id", unique=True, postgresql_where=text("state = 'published'")),
        Index("uq_results_current", "assessment_id", unique=True, postgresql_where=text("current")),
        Index("ix_results_region_path", "region_path"),
        Index("ix_results_published_at", "published_at", "id", postgresql_where=text("state = 'published'")),
        CheckConstraint("current OR state = 'computed'", name="current"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_at"),
    )


class ResultSnapshot(Base):
    """The frozen inputs of a result (`snapshots.rules.to_json`)."""

    __tablename__ = "result_snapshots"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    document: Mapped[dict[str, Any]]


class ResultFigure(Base):
    """One figure of a cut. `key` names what it is of: a region's code, or the id or code of the other things.

    `region_path` is that of the region or unit, or of the whole assessment for the cuts that go across regions, so that
    nobody sees a figure over rows outside his scope. `methods` and `types` are the components of a region's figure.
    """

    __tablename__ = "result_figures"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    cut: Mapped[Cut] = enum_column(Cut, primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    parent_key: Mapped[str | None]
    level: Mapped[str | None]
    position: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    region_path: Mapped[str]
    unit_path: Mapped[str | None]
    score: Mapped[Decimal | None]
    field: Mapped[Decimal | None]
    conformance: Mapped[Decimal | None]
    achieved: Mapped[Decimal | None]
    max_score: Mapped[Decimal | None]
    applicable: Mapped[int | None]
    conforming: Mapped[int | None]
    sites: Mapped[int | None]
    scored_sites: Mapped[int | None]
    rank: Mapped[int | None]
    vetoed: Mapped[bool]
    missing: Mapped[list[str]]
    methods: Mapped[dict[str, Any]]
    types: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_result_figures_order", "result_id", "cut", "level", "position"),
        Index("ix_result_figures_region_path", "result_id", "region_path"),
    )


class ResultSite(Base):
    """A site's score with the site as it was. `city_code` to `community_code`: the regions it lies in, by level."""

    __tablename__ = "result_sites"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    site_type_code: Mapped[str]
    site_type_name: Mapped[str]
    industry_code: Mapped[str | None]
    responsible_unit_id: Mapped[UUID | None]
    region_path: Mapped[str]
    unit_path: Mapped[str | None]
    city_code: Mapped[str | None]
    county_code: Mapped[str | None]
    street_code: Mapped[str | None]
    community_code: Mapped[str | None]
    score: Mapped[Decimal | None]
    achieved: Mapped[Decimal]
    max_score: Mapped[Decimal]
    sheets: Mapped[int]
    applicable: Mapped[int]
    conforming: Mapped[int]
    not_applicable: Mapped[int]
    missing: Mapped[int]
    vetoes: Mapped[list[str]]

    __table_args__ = (
        Index("ix_result_sites_region_path", "result_id", "region_path"),
        Index("ix_result_sites_score", "result_id", "score"),
    )


class ResultEntry(Base):
    """A line of a ranking list. `value` is what was ranked: the total, or the field score in a field-only group."""

    __tablename__ = "result_entries"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    group_code: Mapped[str] = mapped_column(primary_key=True)
    region_code: Mapped[str] = mapped_column(primary_key=True)
    group_no: Mapped[int]
    group_name: Mapped[str]
    field_only: Mapped[bool]
    position: Mapped[int]
    rank: Mapped[int | None]
    region_name: Mapped[str]
    region_path: Mapped[str]
    field: Mapped[Decimal | None]
    methods: Mapped[dict[str, Any]]
    composite: Mapped[Decimal | None]
    bonus: Mapped[Decimal]
    negative: Mapped[Decimal]
    total: Mapped[Decimal | None]
    value: Mapped[Decimal | None]
    vetoed: Mapped[bool]
    missing: Mapped[list[str]]

    __table_args__ = (UniqueConstraint("result_id", "group_no", "position"),)


class ResultSheet(Base):
    """The sheet version that entered the result: what every figure is drilled down to."""

    __tablename__ = "result_sheets"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    sheet_version_id: Mapped[UUID] = mapped_column(ForeignKey("sheet_versions.id"), primary_key=True)
    site_id: Mapped[UUID]

    __table_args__ = (Index("ix_result_sheets_site", "result_id", "site_id"),)


class ResultSpread(Base):
    """A standard at a site on which the assessors differ by more than the threshold."""

    __tablename__ = "result_spreads"

    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    standard_id: Mapped[UUID] = mapped_column(primary_key=True)
    lowest: Mapped[Decimal]
    highest: Mapped[Decimal]


class ResultPlace(Base):
    """A site of an assessment's current result as far as statistics cut by it; `result_sites` has all of it."""

    __tablename__ = "result_places"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"))
    site_id: Mapped[UUID]
    site_type_code: Mapped[str]
    industry_code: Mapped[str | None]
    responsible_unit_id: Mapped[UUID | None]
    region_path: Mapped[str]
    unit_path: Mapped[str | None]
    city_code: Mapped[str | None]
    county_code: Mapped[str | None]
    street_code: Mapped[str | None]
    community_code: Mapped[str | None]

    __table_args__ = (UniqueConstraint("result_id", "site_id"),)


class ResultKind(Base):
    """What standards have in common as far as statistics cut by it (`cells.rules.CutKind`)."""

    __tablename__ = "result_kinds"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    result_id: Mapped[UUID] = mapped_column(ForeignKey("results.id"))
    indicator_path: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    department_id: Mapped[UUID | None]
    methods: Mapped[list[str]]

    __table_args__ = (Index("ix_result_kinds_result_id", "result_id"),)


class ResultCell(Base):
    """The lines of one kind at one site, summed up for statistics (S1.3); points in units of 10⁻¹⁰.

    The same lines are there for several depths of the indicator tree: a statistic of some depth reads the cells whose
    `depth_from` and `depth_to` hold it. Only the current result of an assessment keeps cells.

    There are very many, and statistics read them all: rows are narrow, sums are of integers, and no foreign key is
    checked row by row. They come and go only with their places and kinds.
    """

    __tablename__ = "result_cells"

    achieved: Mapped[int] = mapped_column(BigInteger)
    max_score: Mapped[int] = mapped_column(BigInteger)
    place_id: Mapped[int] = mapped_column(autoincrement=False)
    kind_id: Mapped[int] = mapped_column(autoincrement=False)
    applicable: Mapped[int]
    conforming: Mapped[int]
    depth_from: Mapped[int] = mapped_column(SmallInteger)
    depth_to: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (PrimaryKeyConstraint("depth_from", "place_id", "kind_id"),)
