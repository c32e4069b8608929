"""Records with their versions, categories, features and files; autosaved drafts; saved filters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

revision = "0017_records"
down_revision = "0016_quality"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("state", ENUM("draft", "in_review", "approved", "returned", name="record_state"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("work_area_code", sa.Text()),
        sa.Column("happened_on", sa.Date()),
        sa.Column("period_start", sa.Date()),
        sa.Column("period_end", sa.Date()),
        sa.Column("current_version_no", sa.Integer(), nullable=False),
        sa.Column("approved_version_no", sa.Integer()),
        sa.Column("approval_id", sa.Uuid()),
        sa.Column("submitted_once", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("source_kind", ENUM("activity", name="source_kind")),
        sa.Column("source_id", sa.Uuid()),
        sa.Column("copied_from_id", sa.Uuid()),
        sa.Column("findings_worst", sa.Text()),
        sa.Column("searched", sa.Text(), nullable=False),
        sa.Column("search", TSVECTOR(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("findings_worst IN ('notice', 'minor', 'serious')", name="ck_records_findings_worst"),
        sa.CheckConstraint("(source_kind IS NULL) = (source_id IS NULL)", name="ck_records_source"),
        sa.CheckConstraint("approved_version_no <= current_version_no", name="ck_records_approved_version_no"),
        sa.CheckConstraint("period_start <= period_end", name="ck_records_period"),
        sa.ForeignKeyConstraint(
            ["copied_from_id"], ["records.id"], name="fk_records_copied_from_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_records_owner_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_records_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
        sa.UniqueConstraint("number", name="uq_records_number"),
    )
    op.create_index("ix_records_area", "records", ["work_area_code", "updated_at"])
    op.create_index("ix_records_copied_from_id", "records", ["copied_from_id"])
    op.create_index("ix_records_happened", "records", ["happened_on", "id"])
    op.create_index("ix_records_owner_id", "records", ["owner_id"])
    op.create_index("ix_records_region_path", "records", ["region_path"])
    op.create_index("ix_records_region_state", "records", ["region_path", "state", "id"])
    op.create_index("ix_records_search", "records", ["search"], postgresql_using="gin")
    op.create_index("ix_records_source", "records", ["source_id"], postgresql_where=sa.text("source_id IS NOT NULL"))
    op.create_index("ix_records_unit_id", "records", ["unit_id"])
    op.create_index("ix_records_unit_path", "records", ["unit_path"])
    op.create_index("ix_records_unit_updated", "records", ["unit_path", "updated_at", "id"])
    op.create_index("ix_records_updated", "records", ["updated_at", "id"])
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", JSONB(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_saved_filters_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_filters"),
        sa.UniqueConstraint("owner_id", "name", name="uq_saved_filters_owner_id_name"),
    )
    op.create_index("ix_saved_filters_owner_id", "saved_filters", ["owner_id"])
    op.create_table(
        "record_autosaves",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name="fk_record_autosaves_record_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_record_autosaves_user_id"),
        sa.PrimaryKeyConstraint("record_id", "user_id", name="pk_record_autosaves"),
    )
    op.create_index("ix_record_autosaves_user_id", "record_autosaves", ["user_id"])
    op.create_table(
        "record_categories",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["catalogue_nodes.id"], name="fk_record_categories_node_id"),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name="fk_record_categories_record_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", "node_id", name="pk_record_categories"),
    )
    op.create_index("ix_record_categories_node_id", "record_categories", ["node_id", "record_id"])
    op.create_table(
        "record_versions",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.Column("ruleset_hash", sa.Text()),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name="ck_record_versions_content_hash"),
        sa.CheckConstraint("no > 0", name="ck_record_versions_no"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_record_versions_made_by"),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_record_versions_record_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id", "no", name="pk_record_versions"),
        sa.UniqueConstraint("id", name="uq_record_versions_id"),
    )
    op.create_index("ix_record_versions_made_by", "record_versions", ["made_by"])
    op.create_table(
        "record_features",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("category_codes", ARRAY(sa.Text()), nullable=False),
        sa.Column("category_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("photos_with_time", sa.Integer(), nullable=False),
        sa.Column("photos_with_place", sa.Integer(), nullable=False),
        sa.Column("photos_with_people", sa.Integer(), nullable=False),
        sa.Column("photos_with_theme", sa.Integer(), nullable=False),
        sa.Column("photos_with_background", sa.Integer(), nullable=False),
        sa.Column("photos_with_reason", sa.Integer(), nullable=False),
        sa.Column("photos_fully_captioned", sa.Integer(), nullable=False),
        sa.Column("photos_naming_unit", sa.Integer(), nullable=False),
        sa.Column("videos", sa.Integer(), nullable=False),
        sa.Column("attachments", sa.Integer(), nullable=False),
        sa.Column("normative_documents", sa.Integer(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("tables", sa.Integer(), nullable=False),
        sa.Column("other_attachments", sa.Integer(), nullable=False),
        sa.Column("title_length", sa.Integer(), nullable=False),
        sa.Column("text_length", sa.Integer(), nullable=False),
        sa.Column("conclusion_length", sa.Integer(), nullable=False),
        sa.Column("underlines", sa.Integer(), nullable=False),
        sa.Column("participants", sa.Integer()),
        sa.Column("volunteer_hours", sa.Numeric(12, 2)),
        sa.Column("happened_on", sa.Date()),
        sa.Column("period_start", sa.Date()),
        sa.Column("period_end", sa.Date()),
        sa.Column("saved_on", sa.Date(), nullable=False),
        sa.Column("has_document_number", sa.Boolean(), nullable=False),
        sa.Column("document_number_well_formed", sa.Boolean(), nullable=False),
        sa.Column("place_given", sa.Boolean(), nullable=False),
        sa.Column("located", sa.Boolean(), nullable=False),
        sa.Column("people_named", sa.Boolean(), nullable=False),
        sa.Column("unit_named_in_text", sa.Boolean(), nullable=False),
        sa.Column("duplicate_photo", sa.Boolean()),
        sa.Column("work_area", sa.Text()),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_record_features_record_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_record_features_unit_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["record_versions.id"], name="fk_record_features_version_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", name="pk_record_features"),
    )
    op.create_index(
        "ix_record_features_current", "record_features", ["unit_path", "record_id"], postgresql_where=sa.text("current")
    )
    op.create_index("ix_record_features_owner_id", "record_features", ["owner_id"])
    op.create_index("ix_record_features_record_id", "record_features", ["record_id"])
    op.create_index("ix_record_features_region_path", "record_features", ["region_path"])
    op.create_index("ix_record_features_unit_id", "record_features", ["unit_id"])
    op.create_index("ix_record_features_unit_path", "record_features", ["unit_path"])
    op.create_table(
        "record_files",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("use", ENUM("photo", "video", "cover", "attachment", name="file_use"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_record_files_file_id"),
        sa.ForeignKeyConstraint(
            ["record_id", "version_no"],
            ["record_versions.record_id", "record_versions.no"],
            name="fk_record_files_record_id_version_no",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_id", "version_no", "file_id", "use", name="pk_record_files"),
    )
    op.create_index("ix_record_files_file_id", "record_files", ["file_id"])
    op.execute("""
        CREATE FUNCTION keep_record_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'versions of records are never changed' USING ERRCODE = 'restrict_violation';
        END $$
    """)
    op.execute(
        "CREATE TRIGGER keep_version BEFORE UPDATE ON record_versions FOR EACH ROW EXECUTE FUNCTION keep_record_version()"
    )


def downgrade() -> None:
    for table in (
        "record_files",
        "record_features",
        "record_versions",
        "record_categories",
        "record_autosaves",
        "saved_filters",
        "records",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION keep_record_version()")
