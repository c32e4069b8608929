"""Packages for the central system: their plan, gaps, and parts in object storage."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021_packages"
down_revision = "0020_layouts"
branch_labels = None
depends_on = None


def uuid(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def large(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def choice(table: str, column: str, name: str, *values: str) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=False),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def refers(table: str, column: str, to: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def belonging(table: str) -> list[sa.schema.SchemaItem]:
    """The key and the package that a row goes with."""
    return [uuid("package_id"), refers(table, "package_id", "packages", ondelete="CASCADE")]


def upgrade() -> None:
    _packages()
    _parts_of_packages()


def _packages() -> None:
    name = "packages"
    states = ("draft", "validating", "incomplete", "ready", "building", "built", "failed", "cancelled")
    op.create_table(
        name,
        uuid("id"),
        text("region_path"),
        text("unit_path", nullable=True),
        uuid("unit_id"),
        uuid("book_id"),
        uuid("catalogue_id"),
        number("year"),
        text("title"),
        *choice(name, "state", "package_state", *states),
        number("statement_limit", nullable=True),
        number("photo_limit_bytes", nullable=True),
        uuid("made_by"),
        moment("validated_at", nullable=True),
        number("blocking"),
        number("warnings"),
        number("members_total"),
        number("members_done"),
        large("bytes_done"),
        number("run"),
        text("multipart_id", nullable=True),
        moment("started_at", nullable=True),
        moment("progressed_at", nullable=True),
        large("size", nullable=True),
        text("manifest_hash", nullable=True),
        moment("built_at", nullable=True),
        text("error", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        number("version"),
        check(name, "statement_limit", "statement_limit > 0"),
        check(name, "photo_limit_bytes", "photo_limit_bytes > 0"),
        check(name, "manifest_hash", "manifest_hash ~ '^[0-9a-f]{64}$'"),
        check(
            name,
            "built",
            "state <> 'built' OR (size IS NOT NULL AND manifest_hash IS NOT NULL AND built_at IS NOT NULL)",
        ),
        refers(name, "unit_id", "units"),
        refers(name, "book_id", "books"),
        refers(name, "catalogue_id", "catalogues"),
        refers(name, "made_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in ("region_path", "unit_path", "unit_id", "book_id", "catalogue_id"):
        op.create_index(f"ix_{name}_{column}", name, [column])
    op.create_index(f"ix_{name}_created", name, ["created_at", "id"])


def _parts_of_packages() -> None:
    name = "package_statements"
    op.create_table(
        name,
        *belonging(name),
        uuid("node_id"),
        text("text"),
        refers(name, "node_id", "catalogue_nodes"),
        sa.PrimaryKeyConstraint("package_id", "node_id", name=op.f(f"pk_{name}")),
    )
    name = "package_gaps"
    kinds = (
        *("node_missing", "statement_missing", "statement_too_long"),
        *("caption_missing", "file_quarantined", "file_not_ready"),
    )
    op.create_table(
        name,
        *belonging(name),
        number("position"),
        *choice(name, "kind", "gap_kind", *kinds),
        sa.Column("blocking", sa.Boolean(), nullable=False),
        uuid("node_id"),
        uuid("submission_id", nullable=True),
        uuid("file_id", nullable=True),
        number("by", nullable=True),
        text("message"),
        refers(name, "node_id", "catalogue_nodes"),
        sa.PrimaryKeyConstraint("package_id", "position", name=op.f(f"pk_{name}")),
    )
    name = "package_members"
    op.create_table(
        name,
        *belonging(name),
        number("position"),
        text("name"),
        *choice(name, "kind", "member_kind", "statement", "document", "table", "photo", "list", "manifest"),
        uuid("node_id", nullable=True),
        uuid("submission_id", nullable=True),
        uuid("file_id", nullable=True),
        number("limit_bytes", nullable=True),
        sa.Column("caption", JSONB(), nullable=True),
        text("body", nullable=True),
        large("size", nullable=True),
        large("crc", nullable=True),
        text("sha256", nullable=True),
        check(name, "position", "position > 0"),
        check(name, "facts", "(size IS NULL) = (sha256 IS NULL) AND (size IS NULL) = (crc IS NULL)"),
        sa.PrimaryKeyConstraint("package_id", "position", name=op.f(f"pk_{name}")),
    )
    name = "package_parts"
    op.create_table(
        name,
        *belonging(name),
        number("number"),
        text("etag"),
        large("size"),
        text("sha256"),
        sa.PrimaryKeyConstraint("package_id", "number", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    for name in ("package_parts", "package_members", "package_gaps", "package_statements", "packages"):
        op.drop_table(name)
