"""Files, upload sessions, the inbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002_files_inbox"
down_revision = "0001_system"
branch_labels = None
depends_on = None

KINDS = "'photo', 'video', 'workbook', 'document'"
STATES = "'pending', 'uploaded', 'ready', 'quarantined'"
DEFECTS = (
    "'unrecognised', 'type_mismatch', 'broken', 'truncated', 'animated', 'too_many_pixels', 'too_small', 'too_long', "
    "'polyglot', 'unsupported_codec', 'expands_too_far', 'too_expensive'"
)
TOPICS = "'assessment', 'draw', 'file', 'result', 'sheet', 'system', 'task'"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "upload_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload_sessions"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_upload_sessions_owner_id"),
    )
    op.create_index("ix_upload_sessions_owner_id", "upload_sessions", ["owner_id"])
    op.create_index("ix_upload_sessions_expires_at", "upload_sessions", ["expires_at"])
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("upload_session_id", sa.Uuid()),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("multipart_id", sa.Text()),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("uploaded_at", moment),
        sa.Column("processed_at", moment),
        sa.Column("defect", sa.String(40)),
        sa.Column("defect_note", sa.Text()),
        sa.Column("sha256", sa.Text()),
        sa.Column("phash", sa.BigInteger()),
        sa.Column("duplicate_of_id", sa.Uuid()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("seconds", sa.Double()),
        sa.Column("taken_at", moment),
        sa.Column("taken_zone_known", sa.Boolean()),
        sa.Column("longitude", sa.Numeric(10, 7)),
        sa.Column("latitude", sa.Numeric(10, 7)),
        sa.Column("camera", sa.Text()),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_files_owner_id"),
        sa.ForeignKeyConstraint(
            ["upload_session_id"],
            ["upload_sessions.id"],
            name="fk_files_upload_session_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"], ["files.id"], name="fk_files_duplicate_of_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_files_file_kind")),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_files_file_state")),
        sa.CheckConstraint(f"defect IN ({DEFECTS})", name=op.f("ck_files_defect")),
        sa.CheckConstraint("size > 0", name=op.f("ck_files_size")),
        sa.CheckConstraint("sha256 IS NULL OR sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_files_sha256")),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_files_place")),
        sa.CheckConstraint("(state = 'quarantined') = (defect IS NOT NULL)", name=op.f("ck_files_quarantine")),
        sa.CheckConstraint("state <> 'ready' OR sha256 IS NOT NULL", name=op.f("ck_files_ready")),
    )
    for column in ("owner_id", "region_path", "unit_path", "upload_session_id", "duplicate_of_id"):
        op.create_index(f"ix_files_{column}", "files", [column])
    op.create_index("ix_files_sha256", "files", ["sha256"], postgresql_where=sa.text("sha256 IS NOT NULL"))
    op.create_index("ix_files_pending", "files", ["expires_at"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index("ix_files_uploaded", "files", ["uploaded_at"], postgresql_where=sa.text("state = 'uploaded'"))
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("target_type", sa.Text()),
        sa.Column("target_id", sa.Uuid()),
        sa.Column("dedupe_key", sa.Text()),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("read_at", moment),
        sa.Column("archived_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_messages_owner_id", ondelete="CASCADE"),
        sa.CheckConstraint(f"topic IN ({TOPICS})", name=op.f("ck_messages_topic")),
    )
    op.create_index(
        "uq_messages_owner_id_dedupe_key",
        "messages",
        ["owner_id", "dedupe_key"],
        unique=True,
        postgresql_where=sa.text("dedupe_key IS NOT NULL"),
    )
    op.create_index("ix_messages_owner_id_id", "messages", ["owner_id", sa.text("id DESC")])
    op.create_index(
        "ix_messages_unread",
        "messages",
        ["owner_id"],
        postgresql_where=sa.text("read_at IS NULL AND archived_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("files")
    op.drop_table("upload_sessions")
