"""Layouts and their versions; documents: long prints and their parts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020_layouts"
down_revision = "0019_books"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "layouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("catalogue_id", sa.Uuid()),
        sa.Column("node_id", sa.Uuid()),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("node_id IS NULL OR catalogue_id IS NOT NULL", name="ck_layouts_target"),
        sa.ForeignKeyConstraint(
            ["catalogue_id"], ["catalogues.id"], name="fk_layouts_catalogue_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["node_id"], ["catalogue_nodes.id"], name="fk_layouts_node_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_layouts_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_layouts"),
        sa.UniqueConstraint(
            "catalogue_id", "node_id", name="uq_layouts_catalogue_id_node_id", postgresql_nulls_not_distinct=True
        ),
    )
    for column in ("node_id", "region_path", "unit_id", "unit_path"):
        op.create_index(f"ix_layouts_{column}", "layouts", [column])
    op.create_table(
        "layout_versions",
        sa.Column("layout_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("state", ENUM("draft", "active", "retired", name="layout_state"), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("tested_hash", sa.Text()),
        sa.Column("tested_at", TIME),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("activated_at", TIME),
        sa.Column("retired_at", TIME),
        sa.CheckConstraint("(state = 'draft') = (activated_at IS NULL)", name="ck_layout_versions_activated_at"),
        sa.CheckConstraint("(state = 'retired') = (retired_at IS NOT NULL)", name="ck_layout_versions_retired_at"),
        sa.CheckConstraint("(tested_hash IS NULL) = (tested_at IS NULL)", name="ck_layout_versions_tested"),
        sa.CheckConstraint("body_hash ~ '^[0-9a-f]{64}$'", name="ck_layout_versions_body_hash"),
        sa.CheckConstraint("no > 0", name="ck_layout_versions_no"),
        sa.CheckConstraint("state = 'draft' OR tested_hash = body_hash", name="ck_layout_versions_tested_before_use"),
        sa.ForeignKeyConstraint(["layout_id"], ["layouts.id"], name="fk_layout_versions_layout_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_layout_versions_made_by"),
        sa.PrimaryKeyConstraint("layout_id", "no", name="pk_layout_versions"),
    )
    op.create_index("ix_layout_versions_made_by", "layout_versions", ["made_by"])
    for state in ("draft", "active"):
        op.create_index(
            f"uq_layout_versions_{state}",
            "layout_versions",
            ["layout_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", ENUM("records", "book", name="document_kind"), nullable=False),
        sa.Column(
            "state",
            ENUM("queued", "rendering", "merging", "ready", "failed", "cancelled", name="document_state"),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("request", JSONB(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("parts_done", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer()),
        sa.Column("size", sa.BigInteger()),
        sa.Column("sha256", sa.Text()),
        sa.Column("failure", sa.Text()),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="ck_documents_failure"),
        sa.CheckConstraint("(state = 'ready') = (sha256 IS NOT NULL)", name="ck_documents_ready"),
        sa.CheckConstraint("parts_done BETWEEN 0 AND parts", name="ck_documents_parts_done"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_documents_owner_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_documents_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    for column in ("expires_at", "owner_id", "region_path", "unit_id", "unit_path"):
        op.create_index(f"ix_documents_{column}", "documents", [column])
    op.create_index("ix_documents_owner_created", "documents", ["owner_id", "created_at"])
    op.create_table(
        "document_parts",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("entries", JSONB(), nullable=False),
        sa.Column("pages", sa.Integer()),
        sa.Column("marks", JSONB(none_as_null=True)),
        sa.CheckConstraint("(pages IS NULL) = (marks IS NULL)", name="ck_document_parts_done"),
        sa.CheckConstraint("no > 0", name="ck_document_parts_no"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_document_parts_document_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "no", name="pk_document_parts"),
    )


def downgrade() -> None:
    for table in ("document_parts", "documents", "layout_versions", "layouts"):
        op.drop_table(table)
