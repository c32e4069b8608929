"""Catalogues: trees of categories and of indicators, and what counts for both."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0015_catalogues"
down_revision = "0014_approvals"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "catalogues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", ENUM("category", "indicator", name="catalogue_kind"), nullable=False),
        sa.Column("year", sa.Integer()),
        sa.Column("state", ENUM("draft", "published", "retired", name="catalogue_state"), nullable=False),
        sa.Column("level_names", ARRAY(sa.Text()), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("cloned_from_id", sa.Uuid()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("cardinality(level_names) BETWEEN 1 AND 6", name="ck_catalogues_level_names"),
        sa.CheckConstraint("year BETWEEN 1949 AND 2200", name="ck_catalogues_year"),
        sa.ForeignKeyConstraint(
            ["cloned_from_id"], ["catalogues.id"], name="fk_catalogues_cloned_from_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_catalogues_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_catalogues"),
        sa.UniqueConstraint("code", name="uq_catalogues_code"),
    )
    op.create_index("ix_catalogues_cloned_from_id", "catalogues", ["cloned_from_id"])
    op.create_index("ix_catalogues_name", "catalogues", ["name", "id"])
    op.create_index("ix_catalogues_region_path", "catalogues", ["region_path"])
    op.create_index("ix_catalogues_unit_id", "catalogues", ["unit_id"])
    op.create_index("ix_catalogues_unit_path", "catalogues", ["unit_path"])
    op.create_table(
        "catalogue_nodes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("catalogue_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.Boolean(), nullable=False),
        sa.Column("required", sa.Integer(), nullable=False),
        sa.Column("guidance", sa.Text()),
        sa.Column("statement_limit", sa.Integer()),
        sa.Column("photo_limit_bytes", sa.Integer()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("depth BETWEEN 1 AND 6", name="ck_catalogue_nodes_depth"),
        sa.CheckConstraint("photo_limit_bytes > 0", name="ck_catalogue_nodes_photo_limit_bytes"),
        sa.CheckConstraint("required >= 0", name="ck_catalogue_nodes_required"),
        sa.CheckConstraint("statement_limit > 0", name="ck_catalogue_nodes_statement_limit"),
        sa.ForeignKeyConstraint(
            ["catalogue_id"], ["catalogues.id"], name="fk_catalogue_nodes_catalogue_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["catalogue_nodes.id"], name="fk_catalogue_nodes_parent_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_nodes"),
        sa.UniqueConstraint("catalogue_id", "path", name="uq_catalogue_nodes_catalogue_id_path"),
    )
    op.create_index("ix_catalogue_nodes_parent_id", "catalogue_nodes", ["parent_id"])
    op.create_table(
        "catalogue_links",
        sa.Column("from_node_id", sa.Uuid(), nullable=False),
        sa.Column("to_node_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("from_node_id <> to_node_id", name="ck_catalogue_links_apart"),
        sa.ForeignKeyConstraint(
            ["from_node_id"], ["catalogue_nodes.id"], name="fk_catalogue_links_from_node_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["to_node_id"], ["catalogue_nodes.id"], name="fk_catalogue_links_to_node_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("from_node_id", "to_node_id", name="pk_catalogue_links"),
    )
    op.create_index("ix_catalogue_links_to_node_id", "catalogue_links", ["to_node_id"])


def downgrade() -> None:
    for table in ("catalogue_links", "catalogue_nodes", "catalogues"):
        op.drop_table(table)
