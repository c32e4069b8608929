"""Indicator systems and standards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_standards"
down_revision = "0003_sites"
branch_labels = None
depends_on = None

# Only the state may still move once a system is published, and only forward; nothing inside it changes any more.
# The lock on the system's row makes a change inside it wait for a publication under way, and the other way round.
KEEP_SYSTEM = """
CREATE FUNCTION keep_published_system() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'draft' THEN
      RAISE EXCEPTION 'indicator system % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state = 'draft' THEN
    IF NEW.state NOT IN ('draft', 'published') THEN
      RAISE EXCEPTION 'indicator system % cannot go from draft to %', OLD.id, NEW.state
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NOT (OLD.state = 'published' AND NEW.state = 'retired')
     OR (to_jsonb(OLD) - ARRAY['state', 'retired_at', 'updated_at', 'version'])
        IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['state', 'retired_at', 'updated_at', 'version']) THEN
    RAISE EXCEPTION 'indicator system % is %', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""
KEEP_CONTENT = """
CREATE FUNCTION keep_published_content() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  touched uuid[];
  held record;
BEGIN
  IF TG_TABLE_NAME IN ('indicators', 'standards') THEN
    touched := CASE TG_OP
      WHEN 'INSERT' THEN ARRAY[NEW.system_id]
      WHEN 'DELETE' THEN ARRAY[OLD.system_id]
      ELSE ARRAY[OLD.system_id, NEW.system_id] END;
  ELSE
    SELECT array_agg(s.system_id) INTO touched FROM standards s WHERE s.id = ANY (CASE TG_OP
      WHEN 'INSERT' THEN ARRAY[NEW.standard_id]
      WHEN 'DELETE' THEN ARRAY[OLD.standard_id]
      ELSE ARRAY[OLD.standard_id, NEW.standard_id] END);
  END IF;
  FOR held IN SELECT id, state FROM indicator_systems WHERE id = ANY (touched) FOR SHARE LOOP
    IF held.state <> 'draft' THEN
      RAISE EXCEPTION 'indicator system % is %', held.id, held.state USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
  RETURN COALESCE(NEW, OLD);
END $$
"""
CONTENT = ("indicators", "standards", "standard_site_types", "standard_duties")


def stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "indicator_systems",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("level_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("methods", postgresql.JSONB(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cloned_from_id", sa.Uuid(), sa.ForeignKey("indicator_systems.id")),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("content_hash", sa.Text()),
        *stamps(),
        sa.UniqueConstraint("code"),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name="system_state"),
        sa.CheckConstraint("cardinality(level_names) BETWEEN 1 AND 6", name="levels"),
        sa.CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_at"),
        sa.CheckConstraint("(state = 'draft') = (content_hash IS NULL)", name="content_hash"),
    )
    op.create_index("ix_indicator_systems_state", "indicator_systems", ["state", "id"])
    op.create_index("ix_indicator_systems_cloned_from_id", "indicator_systems", ["cloned_from_id"])
    op.create_table(
        "indicators",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("system_id", sa.Uuid(), sa.ForeignKey("indicator_systems.id"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), sa.ForeignKey("indicators.id")),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *stamps(),
        sa.UniqueConstraint("system_id", "code"),
        sa.CheckConstraint("level BETWEEN 1 AND 6", name="level"),
        sa.CheckConstraint("(level = 1) = (parent_id IS NULL)", name="root"),
        sa.CheckConstraint("parent_id <> id", name="parent"),
    )
    op.create_index("ix_indicators_parent_id", "indicators", ["parent_id"])
    op.create_index("ix_indicators_order", "indicators", ["system_id", "level", "position", "id"])
    op.create_table(
        "standards",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("system_id", sa.Uuid(), sa.ForeignKey("indicator_systems.id"), nullable=False),
        sa.Column("indicator_id", sa.Uuid(), sa.ForeignKey("indicators.id"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("list_kind", sa.String(40), nullable=False),
        sa.Column("max_score", sa.Numeric(20, 10), nullable=False),
        sa.Column("methods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        sa.Column("requires_photo", sa.Boolean(), nullable=False),
        sa.Column("evidence", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *stamps(),
        sa.UniqueConstraint("system_id", "code"),
        sa.CheckConstraint("list_kind IN ('regular', 'bonus', 'negative')", name="list_kind"),
        sa.CheckConstraint("max_score >= 0", name="max_score"),
        sa.CheckConstraint("cardinality(methods) >= 1", name="methods"),
        sa.CheckConstraint("(rule ->> 'kind') IS NOT NULL", name="rule"),
    )
    op.create_index("ix_standards_order", "standards", ["system_id", "indicator_id", "position", "id"])
    op.create_index("ix_standards_indicator_id", "standards", ["indicator_id"])
    op.create_table(
        "standard_site_types",
        sa.Column("standard_id", sa.Uuid(), sa.ForeignKey("standards.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site_type_code", sa.Text(), sa.ForeignKey("site_types.code"), primary_key=True),
    )
    op.create_index("ix_standard_site_types_site_type_code", "standard_site_types", ["site_type_code"])
    op.create_table(
        "standard_duties",
        sa.Column("standard_id", sa.Uuid(), sa.ForeignKey("standards.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("unit_id", sa.Uuid(), sa.ForeignKey("units.id"), primary_key=True),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("role IN ('lead', 'co')", name="duty_role"),
        sa.CheckConstraint("(role = 'lead') = (position = 0)", name="lead_first"),
    )
    op.create_index("ix_standard_duties_unit_id", "standard_duties", ["unit_id"])
    op.execute(KEEP_SYSTEM)
    op.execute(KEEP_CONTENT)
    op.execute(
        "CREATE TRIGGER keep_published BEFORE UPDATE OR DELETE ON indicator_systems "
        "FOR EACH ROW EXECUTE FUNCTION keep_published_system()"
    )
    for table in CONTENT:
        op.execute(
            f"CREATE TRIGGER keep_published BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION keep_published_content()"
        )


def downgrade() -> None:
    for table in reversed(("indicator_systems", *CONTENT)):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_published_content()")
    op.execute("DROP FUNCTION keep_published_system()")
