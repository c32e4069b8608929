"""Results and ranking lists; what was computed cannot be changed, what was published cannot be replaced."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009_results"
down_revision = "0008_surveys"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCORE = sa.Numeric(20, 10)
FIXED = ("result_snapshots", "result_figures", "result_sites", "result_entries", "result_sheets", "result_spreads")


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "results",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("state", ENUM("computed", "published", name="result_state"), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("inputs_hash", sa.Text(), nullable=False),
        sa.Column("sites", sa.Integer(), nullable=False),
        sa.Column("scored_sites", sa.Integer(), nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("open_sheets", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("lists", JSONB(), nullable=False),
        sa.Column("computed_by", sa.Uuid()),
        sa.Column("computed_at", TIME, nullable=False),
        sa.Column("published_by", sa.Uuid()),
        sa.Column("published_at", TIME),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="ck_results_published_at"),
        sa.CheckConstraint("current OR state = 'computed'", name="ck_results_current"),
        sa.ForeignKeyConstraint(["assessment_id"], ["assessments.id"], name="fk_results_assessment_id"),
        sa.ForeignKeyConstraint(["computed_by"], ["users.id"], name="fk_results_computed_by"),
        sa.ForeignKeyConstraint(["published_by"], ["users.id"], name="fk_results_published_by"),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
        sa.UniqueConstraint("assessment_id", "no", name="uq_results_assessment_id_no"),
    )
    op.create_index(
        "ix_results_published_at", "results", ["published_at", "id"], postgresql_where=sa.text("state = 'published'")
    )
    op.create_index("ix_results_region_path", "results", ["region_path"])
    op.create_index(
        "uq_results_current", "results", ["assessment_id"], unique=True, postgresql_where=sa.text("current")
    )
    op.create_index(
        "uq_results_published",
        "results",
        ["assessment_id"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "result_snapshots",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_snapshots_result_id"),
        sa.PrimaryKeyConstraint("result_id", name="pk_result_snapshots"),
    )
    op.create_table(
        "result_figures",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column(
            "cut",
            ENUM("region", "department", "unit", "industry", "site_type", "indicator", "standard", name="cut"),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("parent_key", sa.Text()),
        sa.Column("level", sa.Text()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("score", SCORE),
        sa.Column("field", SCORE),
        sa.Column("conformance", SCORE),
        sa.Column("achieved", SCORE),
        sa.Column("max_score", SCORE),
        sa.Column("applicable", sa.Integer()),
        sa.Column("conforming", sa.Integer()),
        sa.Column("sites", sa.Integer()),
        sa.Column("scored_sites", sa.Integer()),
        sa.Column("rank", sa.Integer()),
        sa.Column("vetoed", sa.Boolean(), nullable=False),
        sa.Column("missing", ARRAY(sa.Text()), nullable=False),
        sa.Column("methods", JSONB(), nullable=False),
        sa.Column("types", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_figures_result_id"),
        sa.PrimaryKeyConstraint("result_id", "cut", "key", name="pk_result_figures"),
    )
    op.create_index("ix_result_figures_order", "result_figures", ["result_id", "cut", "level", "position"])
    op.create_index("ix_result_figures_region_path", "result_figures", ["result_id", "region_path"])
    op.create_table(
        "result_sites",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        sa.Column("site_type_name", sa.Text(), nullable=False),
        sa.Column("industry_code", sa.Text()),
        sa.Column("responsible_unit_id", sa.Uuid()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("city_code", sa.Text()),
        sa.Column("county_code", sa.Text()),
        sa.Column("street_code", sa.Text()),
        sa.Column("community_code", sa.Text()),
        sa.Column("score", SCORE),
        sa.Column("achieved", SCORE, nullable=False),
        sa.Column("max_score", SCORE, nullable=False),
        sa.Column("sheets", sa.Integer(), nullable=False),
        sa.Column("applicable", sa.Integer(), nullable=False),
        sa.Column("conforming", sa.Integer(), nullable=False),
        sa.Column("not_applicable", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("vetoes", ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_sites_result_id"),
        sa.PrimaryKeyConstraint("result_id", "site_id", name="pk_result_sites"),
    )
    op.create_index("ix_result_sites_region_path", "result_sites", ["result_id", "region_path"])
    op.create_index("ix_result_sites_score", "result_sites", ["result_id", "score"])
    op.create_table(
        "result_entries",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("group_no", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("field_only", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer()),
        sa.Column("region_name", sa.Text(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("field", SCORE),
        sa.Column("methods", JSONB(), nullable=False),
        sa.Column("composite", SCORE),
        sa.Column("bonus", SCORE, nullable=False),
        sa.Column("negative", SCORE, nullable=False),
        sa.Column("total", SCORE),
        sa.Column("value", SCORE),
        sa.Column("vetoed", sa.Boolean(), nullable=False),
        sa.Column("missing", ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_entries_result_id"),
        sa.PrimaryKeyConstraint("result_id", "group_code", "region_code", name="pk_result_entries"),
        sa.UniqueConstraint("result_id", "group_no", "position", name="uq_result_entries_result_id_group_no_position"),
    )
    op.create_table(
        "result_sheets",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("sheet_version_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_sheets_result_id"),
        sa.ForeignKeyConstraint(["sheet_version_id"], ["sheet_versions.id"], name="fk_result_sheets_sheet_version_id"),
        sa.PrimaryKeyConstraint("result_id", "sheet_version_id", name="pk_result_sheets"),
    )
    op.create_index("ix_result_sheets_site", "result_sheets", ["result_id", "site_id"])
    op.create_table(
        "result_spreads",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("standard_id", sa.Uuid(), nullable=False),
        sa.Column("lowest", SCORE, nullable=False),
        sa.Column("highest", SCORE, nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_spreads_result_id"),
        sa.PrimaryKeyConstraint("result_id", "site_id", "standard_id", name="pk_result_spreads"),
    )
    op.create_table(
        "result_cells",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("indicator_path", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("department_id", sa.Uuid()),
        sa.Column("methods", ARRAY(sa.Text()), nullable=False),
        sa.Column("achieved", SCORE, nullable=False),
        sa.Column("max_score", SCORE, nullable=False),
        sa.Column("applicable", sa.Integer(), nullable=False),
        sa.Column("conforming", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_cells_result_id"),
        sa.PrimaryKeyConstraint("result_id", "no", name="pk_result_cells"),
    )
    op.execute("""
        CREATE FUNCTION refuse_change_of_result_rows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
    """)
    for table in FIXED:
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_result_rows()
        """)
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM wenming_app")
    op.execute("""
        CREATE FUNCTION refuse_change_of_result() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state = 'published' OR NEW.hash <> OLD.hash
               OR NEW.inputs_hash <> OLD.inputs_hash OR NEW.assessment_id <> OLD.assessment_id OR NEW.no <> OLD.no THEN
                RAISE EXCEPTION 'result % cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON results
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_result()
    """)


def downgrade() -> None:
    for table in (*FIXED, "result_cells", "results"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_result_rows()")
    op.execute("DROP FUNCTION refuse_change_of_result()")
