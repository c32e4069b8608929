"""Assessments and the parts of their schemes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005_assessments"
down_revision = "0004_standards"
branch_labels = None
depends_on = None

HOLD = """
CREATE FUNCTION hold_assessment(wanted uuid) RETURNS SETOF assessments LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('assessment:' || wanted::text, 0));
  RETURN QUERY SELECT * FROM assessments WHERE id = wanted;
END $$
"""
TAKE = """
CREATE FUNCTION take_assessment(wanted uuid) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('assessment:' || wanted::text, 0));
END $$
"""


def choice(table: str, column: str, name: str, *values: str, nullable: bool = False) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=nullable),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def upgrade() -> None:
    op.create_table(
        "assessments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        *choice(
            "assessments",
            "state",
            "assessment_state",
            "draft",
            "published",
            "sampling",
            "in_progress",
            "paused",
            "reviewing",
            "closed",
            "archived",
            "stopped",
        ),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_reason", sa.Text()),
        sa.Column("system_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("starts_on", sa.Date()),
        sa.Column("ends_on", sa.Date()),
        sa.Column("cloned_from_id", sa.Uuid()),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("current_draw_id", sa.Uuid()),
        sa.Column("effective_draw_id", sa.Uuid()),
        sa.Column("result_id", sa.Uuid()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('draft', 'published') OR effective_draw_id IS NULL", name=op.f("ck_assessments_draw_after")
        ),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_assessments_window")),
        sa.ForeignKeyConstraint(
            ["cloned_from_id"],
            ["assessments.id"],
            name=op.f("fk_assessments_cloned_from_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_assessments_created_by")),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name=op.f("fk_assessments_region_id")),
        sa.ForeignKeyConstraint(["system_id"], ["indicator_systems.id"], name=op.f("fk_assessments_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint("number", name=op.f("uq_assessments_number")),
    )
    op.create_index(op.f("ix_assessments_cloned_from_id"), "assessments", ["cloned_from_id"])
    op.create_index(op.f("ix_assessments_region_id"), "assessments", ["region_id"])
    op.create_index(op.f("ix_assessments_region_path"), "assessments", ["region_path"])
    op.create_index("ix_assessments_starts_on", "assessments", ["starts_on", "id"])
    op.create_index("ix_assessments_state", "assessments", ["state", "id"])
    op.create_index(op.f("ix_assessments_system_id"), "assessments", ["system_id"])
    op.create_table(
        "assessment_regions",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_assessment_regions_assessment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name=op.f("fk_assessment_regions_region_id")),
        sa.PrimaryKeyConstraint("assessment_id", "region_id", name=op.f("pk_assessment_regions")),
    )
    op.create_index(op.f("ix_assessment_regions_region_id"), "assessment_regions", ["region_id"])
    op.create_table(
        "assessment_standards",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessments.id"],
            name=op.f("fk_assessment_standards_assessment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["standard_id"], ["standards.id"], name=op.f("fk_assessment_standards_standard_id")),
        sa.PrimaryKeyConstraint("assessment_id", "standard_id", name=op.f("pk_assessment_standards")),
    )
    op.create_index(op.f("ix_assessment_standards_standard_id"), "assessment_standards", ["standard_id"])
    op.create_table(
        "assessment_quotas",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        *choice("assessment_quotas", "region_level", "region_level", "city", "county", "street", "community"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Numeric(precision=12, scale=6), nullable=False),
        *choice("assessment_quotas", "when_short", "shortage", "refuse", "take_all"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("count > 0", name=op.f("ck_assessment_quotas_count")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_assessment_quotas_weight")),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_assessment_quotas_assessment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["site_type_code"], ["site_types.code"], name=op.f("fk_assessment_quotas_site_type_code")
        ),
        sa.PrimaryKeyConstraint("assessment_id", "site_type_code", name=op.f("pk_assessment_quotas")),
    )
    op.create_table(
        "assessment_methods",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *choice("assessment_methods", "source", "method_source", "field", "entered"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_assessment_methods_assessment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("assessment_id", "code", name=op.f("pk_assessment_methods")),
    )
    op.create_table(
        "assessment_assessors",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("qualification", sa.Text()),
        sa.Column("region_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("site_type_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessments.id"],
            name=op.f("fk_assessment_assessors_assessment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_assessment_assessors_user_id")),
        sa.PrimaryKeyConstraint("assessment_id", "user_id", name=op.f("pk_assessment_assessors")),
    )
    op.create_index(op.f("ix_assessment_assessors_user_id"), "assessment_assessors", ["user_id"])
    op.create_table(
        "ranking_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *choice("ranking_groups", "region_level", "region_level", "city", "county", "street", "community"),
        sa.Column("methods", JSONB(), nullable=False),
        sa.Column("field_only", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_ranking_groups_assessment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking_groups")),
        sa.UniqueConstraint("assessment_id", "code", name=op.f("uq_ranking_groups_assessment_id_code")),
    )
    op.create_table(
        "ranking_group_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["assessments.id"],
            name=op.f("fk_ranking_group_members_assessment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ranking_groups.id"], name=op.f("fk_ranking_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name=op.f("fk_ranking_group_members_region_id")),
        sa.PrimaryKeyConstraint("assessment_id", "region_id", name=op.f("pk_ranking_group_members")),
    )
    op.create_index(op.f("ix_ranking_group_members_group_id"), "ranking_group_members", ["group_id"])
    op.execute(HOLD)
    op.execute(TAKE)


def downgrade() -> None:
    op.execute("DROP FUNCTION hold_assessment(uuid), take_assessment(uuid)")
    op.drop_table("ranking_group_members")
    op.drop_table("ranking_groups")
    op.drop_table("assessment_assessors")
    op.drop_table("assessment_methods")
    op.drop_table("assessment_quotas")
    op.drop_table("assessment_standards")
    op.drop_table("assessment_regions")
    op.drop_table("assessments")
