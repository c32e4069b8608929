"""Cells of statistics become narrow rows of integers, and may be kept for several depths of the indicator tree."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0012_narrow_cells"
down_revision = "0011_sheet_lists"
branch_labels = None
depends_on = None

SCORE = sa.Numeric(20, 10)


def upgrade() -> None:
    op.rename_table("result_cells", "former_cells")
    op.execute("ALTER TABLE former_cells DROP CONSTRAINT pk_result_cells")
    op.create_table(
        "result_places",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        sa.Column("industry_code", sa.Text()),
        sa.Column("responsible_unit_id", sa.Uuid()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("city_code", sa.Text()),
        sa.Column("county_code", sa.Text()),
        sa.Column("street_code", sa.Text()),
        sa.Column("community_code", sa.Text()),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_places_result_id"),
        sa.PrimaryKeyConstraint("id", name="pk_result_places"),
        sa.UniqueConstraint("result_id", "site_id", name="uq_result_places_result_id_site_id"),
    )
    op.create_table(
        "result_kinds",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("indicator_path", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("department_id", sa.Uuid()),
        sa.Column("methods", ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["results.id"], name="fk_result_kinds_result_id"),
        sa.PrimaryKeyConstraint("id", name="pk_result_kinds"),
    )
    op.create_index("ix_result_kinds_result_id", "result_kinds", ["result_id"])
    op.create_table(
        "result_cells",
        sa.Column("achieved", sa.BigInteger(), nullable=False),
        sa.Column("max_score", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("applicable", sa.Integer(), nullable=False),
        sa.Column("conforming", sa.Integer(), nullable=False),
        sa.Column("depth_from", sa.SmallInteger(), nullable=False),
        sa.Column("depth_to", sa.SmallInteger(), nullable=False),
    )
    op.execute("""
        INSERT INTO result_places (result_id, site_id, site_type_code, industry_code, responsible_unit_id, region_path, unit_path,
                                   city_code, county_code, street_code, community_code)
        SELECT result_id, site_id, site_type_code, industry_code, responsible_unit_id, region_path, unit_path,
               city_code, county_code, street_code, community_code
          FROM result_sites
         WHERE result_id IN (SELECT id FROM results WHERE current) ORDER BY result_id, site_id
    """)
    op.execute("""
        CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
        SELECT former_cells.*, dense_rank() OVER (ORDER BY result_id, indicator_path, department_id, methods) AS kind
          FROM former_cells
    """)
    op.execute("ANALYZE result_places, numbered")
    op.execute("""
        INSERT INTO result_kinds (id, result_id, indicator_path, department_id, methods)
        SELECT DISTINCT kind, result_id, indicator_path, department_id, methods FROM numbered ORDER BY kind
    """)
    op.execute(
        "SELECT setval(pg_get_serial_sequence('result_kinds', 'id'), coalesce(max(id), 0) + 1) FROM result_kinds"
    )
    # What is there already serves every depth; coarser cells come with the next computation.
    op.execute("""
        INSERT INTO result_cells (achieved, max_score, place_id, kind_id, applicable, conforming, depth_from, depth_to)
        SELECT n.achieved * 10000000000, n.max_score * 10000000000, p.id, n.kind, n.applicable, n.conforming, 0, 6
          FROM numbered n JOIN result_places p ON p.result_id = n.result_id AND p.site_id = n.site_id
         ORDER BY p.id, n.kind
    """)
    op.create_primary_key("pk_result_cells", "result_cells", ["depth_from", "place_id", "kind_id"])
    op.drop_table("former_cells")


def downgrade() -> None:
    op.rename_table("result_cells", "later_cells")
    op.execute("ALTER TABLE later_cells DROP CONSTRAINT pk_result_cells")
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
        INSERT INTO result_cells (result_id, no, site_id, indicator_path, department_id, methods, achieved, max_score,
                                  applicable, conforming)
        SELECT p.result_id, row_number() OVER (PARTITION BY p.result_id ORDER BY p.id, k.id) - 1, p.site_id,
               k.indicator_path, k.department_id, k.methods, c.achieved * 0.0000000001, c.max_score * 0.0000000001,
               c.applicable, c.conforming
          FROM later_cells c JOIN result_places p ON p.id = c.place_id JOIN result_kinds k ON k.id = c.kind_id
         WHERE c.depth_to = 6
    """)
    for table in ("later_cells", "result_kinds", "result_places"):
        op.drop_table(table)
