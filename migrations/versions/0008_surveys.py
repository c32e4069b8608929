"""Totals of the methods other than field work."""

import sqlalchemy as sa
from alembic import op

revision = "0008_surveys"
down_revision = "0007_scoring"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCORE = sa.Numeric(20, 10)


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "method_scores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("method_code", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Uuid()),
        sa.Column("unit_id", sa.Uuid()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("score", SCORE, nullable=False),
        sa.Column("max_score", SCORE, nullable=False),
        sa.Column("source", ENUM("entered", "imported", name="score_source"), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(region_id IS NULL) <> (unit_id IS NULL)", name="ck_method_scores_region_or_unit"),
        sa.CheckConstraint("max_score > 0", name="ck_method_scores_max_score"),
        sa.CheckConstraint("score >= 0 AND score <= max_score", name="ck_method_scores_score"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_method_scores_assessment_id"),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name="fk_method_scores_region_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_method_scores_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_method_scores"),
    )
    op.create_index("ix_method_scores_region_path", "method_scores", ["assessment_id", "region_path"])
    op.create_index(
        "uq_method_scores_region",
        "method_scores",
        ["assessment_id", "method_code", "region_id"],
        unique=True,
        postgresql_where=sa.text("region_id IS NOT NULL"),
    )
    op.create_index(
        "uq_method_scores_unit",
        "method_scores",
        ["assessment_id", "method_code", "unit_id"],
        unique=True,
        postgresql_where=sa.text("unit_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("method_scores")
