"""Civility titles: rules, terms, families, applications, the history of levels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023_titles"
down_revision = "0022_activities"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCORE = sa.Numeric(20, 10)
KINDS = ("unit", "campus", "community", "village", "family", "district", "town_office")
LEVELS = ("none", "county", "city", "province", "national")


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def keyed() -> sa.Column:
    return sa.Column("id", sa.Uuid(), nullable=False)


def paths() -> list[sa.Column]:
    return [sa.Column("region_path", sa.Text(), nullable=False), sa.Column("unit_path", sa.Text())]


def stamped() -> list[sa.Column]:
    return [
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def kind() -> sa.Column:
    return sa.Column("kind", ENUM(*KINDS, name="title_kind"), nullable=False)


def level(name: str = "level") -> sa.Column:
    return sa.Column(name, ENUM(*LEVELS, name="title_level"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "title_rules",
        keyed(),
        sa.Column("code", sa.Text(), nullable=False),
        kind(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        level("prerequisite"),
        sa.Column("pass_score", SCORE),
        sa.Column("items", JSONB(), nullable=False),
        sa.Column("vetoes", JSONB(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("state", ENUM("draft", "published", "retired", name="title_rule_state"), nullable=False),
        *stamped(),
        sa.CheckConstraint("pass_score >= 0", name=op.f("ck_title_rules_pass_score")),
        sa.PrimaryKeyConstraint("id", name="pk_title_rules"),
        sa.UniqueConstraint("code", name="uq_title_rules_code"),
    )
    op.create_table(
        "title_terms",
        keyed(),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        kind(),
        level(),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", ENUM("draft", "published", "closed", name="term_state"), nullable=False),
        *stamped(),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_title_terms_window")),
        sa.CheckConstraint("no >= 1", name=op.f("ck_title_terms_no")),
        sa.CheckConstraint("level <> 'none'", name=op.f("ck_title_terms_some_level")),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name="fk_title_terms_region_id"),
        sa.ForeignKeyConstraint(["rule_id"], ["title_rules.id"], name="fk_title_terms_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_title_terms"),
        sa.UniqueConstraint("region_id", "kind", "level", "no", name="uq_title_terms_region_id_kind_level_no"),
    )
    for column in ("region_path", "region_id", "rule_id"):
        op.create_index(f"ix_title_terms_{column}", "title_terms", [column])
    op.create_table(
        "title_families",
        keyed(),
        *paths(),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer()),
        sa.Column("active", sa.Boolean(), nullable=False),
        *stamped(),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_title_families_unit_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_title_families_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_title_families"),
    )
    for column in ("region_path", "unit_path", "unit_id", "owner_id"):
        op.create_index(f"ix_title_families_{column}", "title_families", [column])
    op.create_table(
        "title_applications",
        keyed(),
        *paths(),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        kind(),
        level(),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid()),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column(
            "state",
            ENUM(
                *("draft", "recommending", "returned", "recommended", "evaluated"),
                *("named", "rejected", "withdrawn", "revoked"),
                name="application_state",
            ),
            nullable=False,
        ),
        sa.Column("state_since", TIME, nullable=False),
        sa.Column("self_assessment", JSONB(), nullable=False),
        sa.Column("self_score", SCORE),
        sa.Column("evaluation", JSONB()),
        sa.Column("score", SCORE),
        sa.Column("passed", sa.Boolean()),
        sa.Column("evaluated_by", sa.Uuid()),
        sa.Column("evaluated_at", TIME),
        sa.Column("approval_id", sa.Uuid()),
        sa.Column("submitted_at", TIME),
        sa.Column("document_number", sa.Text()),
        sa.Column("document_on", sa.Date()),
        sa.Column("reason", sa.Text()),
        *stamped(),
        sa.CheckConstraint("(kind = 'family') = (family_id IS NOT NULL)", name=op.f("ck_title_applications_family")),
        sa.CheckConstraint("holder_id = coalesce(family_id, unit_id)", name=op.f("ck_title_applications_holder")),
        sa.CheckConstraint(
            "(document_number IS NOT NULL) = (state IN ('named', 'revoked'))",
            name=op.f("ck_title_applications_decision"),
        ),
        sa.ForeignKeyConstraint(["term_id"], ["title_terms.id"], name="fk_title_applications_term_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_title_applications_unit_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_title_applications_owner_id"),
        sa.ForeignKeyConstraint(["family_id"], ["title_families.id"], name="fk_title_applications_family_id"),
        sa.ForeignKeyConstraint(["evaluated_by"], ["users.id"], name="fk_title_applications_evaluated_by"),
        sa.PrimaryKeyConstraint("id", name="pk_title_applications"),
        sa.UniqueConstraint("number", name="uq_title_applications_number"),
    )
    for column in ("region_path", "unit_path", "unit_id", "owner_id", "family_id", "term_id"):
        op.create_index(f"ix_title_applications_{column}", "title_applications", [column])
    op.create_index(
        "uq_title_applications_term_holder",
        "title_applications",
        ["term_id", "holder_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_index("ix_title_applications_state", "title_applications", ["state", "region_path", "id"])
    op.create_table(
        "title_events",
        keyed(),
        *paths(),
        kind(),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid()),
        sa.Column("no", sa.Integer(), nullable=False),
        level(),
        sa.Column("cause", ENUM("named", "revoked", name="title_cause"), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("(kind = 'family') = (family_id IS NOT NULL)", name=op.f("ck_title_events_family")),
        sa.CheckConstraint("holder_id = coalesce(family_id, unit_id)", name=op.f("ck_title_events_holder")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_title_events_unit_id"),
        sa.ForeignKeyConstraint(["family_id"], ["title_families.id"], name="fk_title_events_family_id"),
        sa.ForeignKeyConstraint(["term_id"], ["title_terms.id"], name="fk_title_events_term_id"),
        sa.ForeignKeyConstraint(["application_id"], ["title_applications.id"], name="fk_title_events_application_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name="fk_title_events_recorded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_title_events"),
    )
    for column in ("region_path", "unit_path", "unit_id", "family_id", "term_id", "application_id"):
        op.create_index(f"ix_title_events_{column}", "title_events", [column])
    op.create_index("uq_title_events_holder_kind_no", "title_events", ["holder_id", "kind", "no"], unique=True)
    op.create_index("ix_title_events_kind_level", "title_events", ["kind", "level", "from_on"])
    # The paths follow a unit that moves; nothing else of an event ever changes.
    op.execute("""
        CREATE FUNCTION refuse_change_of_title() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'region_path' - 'unit_path' = to_jsonb(OLD) - 'region_path' - 'unit_path'
          THEN RETURN NEW; END IF;
          RAISE EXCEPTION 'the history of titles is never rewritten' USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON title_events
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_title()
    """)
    op.execute("REVOKE DELETE, TRUNCATE ON title_events FROM wenming_app")


def downgrade() -> None:
    for table in ("title_events", "title_applications", "title_families", "title_terms", "title_rules"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_title()")
