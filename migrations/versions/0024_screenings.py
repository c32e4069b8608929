"""Screenings of records by quality rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0024_screenings"
down_revision = "0023_titles"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "screenings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("rules", JSONB(), nullable=False),
        sa.Column("ruleset_hash", sa.Text(), nullable=False),
        sa.Column("area", JSONB(), nullable=False),
        sa.Column("filters", JSONB(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("flagged", sa.Integer(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer()),
        sa.Column("problem", sa.Text()),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("alerted_at", moment),
        sa.Column("alerted", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_screenings"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_screenings_unit_id"),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="ck_screenings_screening_state"),
    )
    for column in ("region_path", "unit_path", "owner_id", "unit_id"):
        op.create_index(f"ix_screenings_{column}", "screenings", [column])
    op.create_table(
        "screening_hits",
        sa.Column("screening_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("rules", ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("category_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("screening_id", "record_id", name="pk_screening_hits"),
        sa.ForeignKeyConstraint(
            ["screening_id"], ["screenings.id"], name="fk_screening_hits_screening_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_screening_hits_screening_id_rank", "screening_hits", ["screening_id", "rank"])


def downgrade() -> None:
    op.drop_table("screening_hits")
    op.drop_table("screenings")
