"""Provable draws; what was promised or drawn cannot be changed or deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_sampling"
down_revision = "0005_assessments"
branch_labels = None
depends_on = None

KEEP_DRAWS = """
CREATE FUNCTION keep_draws() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a draw is never deleted';
  END IF;
  IF (NEW.assessment_id, NEW.no, NEW.secret, NEW.commitment, NEW.quotas, NEW.regions,
      NEW.public_value_source, NEW.public_value_at, NEW.committed_by, NEW.committed_at)
     IS DISTINCT FROM
     (OLD.assessment_id, OLD.no, OLD.secret, OLD.commitment, OLD.quotas, OLD.regions,
      OLD.public_value_source, OLD.public_value_at, OLD.committed_by, OLD.committed_at)
     OR (OLD.frame_hash IS NOT NULL AND NEW.frame_hash IS DISTINCT FROM OLD.frame_hash)
     OR (OLD.seed IS NOT NULL AND (NEW.seed, NEW.public_value) IS DISTINCT FROM (OLD.seed, OLD.public_value))
     OR OLD.state = 'void' THEN
    RAISE EXCEPTION 'what a draw has promised is never changed';
  END IF;
  RETURN NEW;
END $$
"""
KEEP_FRAMES = """
CREATE FUNCTION keep_draw_frames() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a frozen frame is never changed';
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
        "draws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        *choice("draws", "state", "draw_state", "committed", "frozen", "drawn", "effective", "void"),
        *choice("draws", "proposal", "proposal", "effective", "void", nullable=True),
        sa.Column("proposed_by", sa.Uuid()),
        sa.Column("proposed_at", sa.DateTime(timezone=True)),
        sa.Column("proposed_reason", sa.Text()),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("quotas", JSONB(), nullable=False),
        sa.Column("regions", JSONB(), nullable=False),
        sa.Column("public_value_source", sa.Text()),
        sa.Column("public_value_at", sa.DateTime(timezone=True)),
        sa.Column("committed_by", sa.Uuid(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frame_hash", sa.Text()),
        sa.Column("frame_size", sa.Integer()),
        sa.Column("frozen_by", sa.Uuid()),
        sa.Column("frozen_at", sa.DateTime(timezone=True)),
        sa.Column("public_value", sa.Text()),
        sa.Column("seed", sa.Text()),
        sa.Column("drawn_count", sa.Integer()),
        sa.Column("drawn_by", sa.Uuid()),
        sa.Column("drawn_at", sa.DateTime(timezone=True)),
        sa.Column("effective_proposed_by", sa.Uuid()),
        sa.Column("effective_by", sa.Uuid()),
        sa.Column("effective_at", sa.DateTime(timezone=True)),
        sa.Column("effective_reason", sa.Text()),
        sa.Column("void_proposed_by", sa.Uuid()),
        sa.Column("void_by", sa.Uuid()),
        sa.Column("void_at", sa.DateTime(timezone=True)),
        sa.Column("void_reason", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state <> 'effective' OR coalesce(effective_by <> effective_proposed_by, false)",
            name=op.f("ck_draws_effective"),
        ),
        sa.CheckConstraint(
            "state <> 'void' OR (coalesce(void_by <> void_proposed_by, false) AND void_reason IS NOT NULL)",
            name=op.f("ck_draws_void"),
        ),
        sa.CheckConstraint("state NOT IN ('drawn', 'effective') OR seed IS NOT NULL", name=op.f("ck_draws_drawn")),
        sa.CheckConstraint(
            "state NOT IN ('frozen', 'drawn', 'effective') OR frame_hash IS NOT NULL", name=op.f("ck_draws_frozen")
        ),
        sa.CheckConstraint("(proposal IS NULL) = (proposed_by IS NULL)", name=op.f("ck_draws_proposal_by")),
        sa.CheckConstraint(
            "(public_value_source IS NULL) = (public_value_at IS NULL)", name=op.f("ck_draws_public_value_source")
        ),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name=op.f("fk_draws_assessment_id")),
        sa.ForeignKeyConstraint(["committed_by"], ["users.id"], name=op.f("fk_draws_committed_by")),
        sa.ForeignKeyConstraint(["drawn_by"], ["users.id"], name=op.f("fk_draws_drawn_by")),
        sa.ForeignKeyConstraint(["effective_by"], ["users.id"], name=op.f("fk_draws_effective_by")),
        sa.ForeignKeyConstraint(["frozen_by"], ["users.id"], name=op.f("fk_draws_frozen_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_draws_proposed_by")),
        sa.ForeignKeyConstraint(["effective_proposed_by"], ["users.id"], name=op.f("fk_draws_effective_proposed_by")),
        sa.ForeignKeyConstraint(["void_proposed_by"], ["users.id"], name=op.f("fk_draws_void_proposed_by")),
        sa.ForeignKeyConstraint(["void_by"], ["users.id"], name=op.f("fk_draws_void_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draws")),
        sa.UniqueConstraint("assessment_id", "no", name=op.f("uq_draws_assessment_id_no")),
    )
    op.create_index(
        "uq_draws_live", "draws", ["assessment_id"], unique=True, postgresql_where=sa.text("state <> 'void'")
    )
    op.create_table(
        "draw_frames",
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["draws.id"], name=op.f("fk_draw_frames_draw_id")),
        sa.PrimaryKeyConstraint("draw_id", name=op.f("pk_draw_frames")),
    )
    op.create_table(
        "draw_sites",
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        *choice("draw_sites", "status", "draw_site_status", "drawn", "reserve", "replaced", "replacement"),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("responsible_unit_id", sa.Uuid()),
        sa.Column("unit_path", sa.Text()),
        sa.Column("industry_code", sa.Text()),
        sa.Column("replaces_id", sa.Uuid()),
        sa.Column("reason", sa.Text()),
        sa.Column("file_id", sa.Uuid()),
        sa.Column("changed_by", sa.Uuid()),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(status = 'replacement') = (replaces_id IS NOT NULL) OR status = 'replaced'",
            name=op.f("ck_draw_sites_replaces"),
        ),
        sa.CheckConstraint(
            "status <> 'replaced' OR (reason IS NOT NULL AND file_id IS NOT NULL)", name=op.f("ck_draw_sites_replaced")
        ),
        sa.CheckConstraint("rank > 0", name=op.f("ck_draw_sites_rank")),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_draw_sites_changed_by")),
        sa.PrimaryKeyConstraint("draw_id", "site_id", name=op.f("pk_draw_sites")),
        sa.UniqueConstraint("draw_id", "stratum", "rank", name=op.f("uq_draw_sites_draw_id_stratum_rank")),
    )
    op.create_index(
        "ix_draw_sites_in_field",
        "draw_sites",
        ["draw_id", "status", "stratum", "rank"],
        postgresql_where=sa.text("status <> 'reserve'"),
    )

    op.execute(KEEP_DRAWS)
    op.execute("CREATE TRIGGER draws_kept BEFORE UPDATE OR DELETE ON draws FOR EACH ROW EXECUTE FUNCTION keep_draws()")
    op.execute(KEEP_FRAMES)
    op.execute(
        "CREATE TRIGGER draw_frames_kept BEFORE UPDATE OR DELETE ON draw_frames"
        " FOR EACH ROW EXECUTE FUNCTION keep_draw_frames()"
    )


def downgrade() -> None:
    op.drop_table("draw_sites")
    op.drop_table("draw_frames")
    op.drop_table("draws")
    op.execute("DROP FUNCTION keep_draw_frames(), keep_draws()")
