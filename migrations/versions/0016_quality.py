"""Quality rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0016_quality"
down_revision = "0015_catalogues"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "quality_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(40), nullable=False),
        sa.Column("expression", JSONB(), nullable=False),
        sa.Column("node_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("reach", sa.String(40), nullable=False),
        sa.Column("effective_from", sa.Date()),
        sa.Column("effective_until", sa.Date()),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("tested_at", moment),
        sa.Column("test_report", JSONB()),
        sa.Column("activated_at", moment),
        sa.Column("retired_at", moment),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quality_rules"),
        sa.UniqueConstraint("code", "no", name="uq_quality_rules_code_no"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_quality_rules_unit_id"),
        sa.CheckConstraint("severity IN ('notice', 'minor', 'serious')", name="ck_quality_rules_severity"),
        sa.CheckConstraint("reach IN ('region', 'units')", name="ck_quality_rules_reach"),
        sa.CheckConstraint("state IN ('draft', 'tested', 'active', 'retired')", name="ck_quality_rules_rule_state"),
    )
    op.create_index("ix_quality_rules_region_path", "quality_rules", ["region_path"])
    op.create_index("ix_quality_rules_unit_path", "quality_rules", ["unit_path"])
    op.create_index("ix_quality_rules_unit_id", "quality_rules", ["unit_id"])
    op.create_index(
        "uq_quality_rules_active_code",
        "quality_rules",
        ["code"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    op.drop_table("quality_rules")
