"""Activities: templates, plans and their steps, contents, sub-activities, marks, manuscripts, shares."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0022_activities"
down_revision = "0021_packages"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STATES = ("planned", "in_approval", "returned", "approved", "held", "recorded", "cancelled")
APPEND_ONLY = ("activity_steps", "activity_contents", "manuscript_versions", "manuscript_dispatches")


def ENUM(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def uuid(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=null)


def text(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=null)


def time(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, TIME, nullable=null)


def version() -> sa.Column:
    return sa.Column("version", sa.Integer(), nullable=False)


def stamped() -> list[sa.Column]:
    return [time("created_at"), time("updated_at"), version()]


def state() -> sa.Column:
    return sa.Column("state", ENUM(*STATES, name="activity_state"), nullable=False)


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}")


def indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def upgrade() -> None:
    op.create_table(
        "activity_templates",
        uuid("id"),
        text("unit_path", null=True),
        text("code"),
        text("name"),
        text("activity_type"),
        uuid("unit_id", null=True),
        *stamped(),
        sa.CheckConstraint("(unit_id IS NULL) = (unit_path IS NULL)", name=op.f("ck_activity_templates_keeper")),
        refers("activity_templates", "unit_id", "units"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_templates"),
        sa.UniqueConstraint("code", name="uq_activity_templates_code"),
    )
    indexes("activity_templates", "unit_path", "unit_id")
    op.create_table(
        "activity_template_versions",
        uuid("id"),
        uuid("template_id"),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("state", ENUM("draft", "active", "retired", name="template_state"), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("node_ids", ARRAY(sa.Uuid()), nullable=False),
        text("guidance"),
        uuid("made_by", null=True),
        time("made_at"),
        refers("activity_template_versions", "template_id", "activity_templates"),
        refers("activity_template_versions", "made_by", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_template_versions"),
        sa.UniqueConstraint("template_id", "no", name="uq_activity_template_versions_template_id_no"),
    )
    for one in ("active", "draft"):
        op.create_index(
            f"uq_activity_template_versions_{one}",
            "activity_template_versions",
            ["template_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{one}'"),
        )
    op.create_table(
        "activities",
        uuid("id"),
        text("region_path"),
        text("unit_path", null=True),
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        text("title"),
        sa.Column("kind", ENUM("key_work", "annual", "ad_hoc", "arising", name="activity_kind"), nullable=False),
        text("activity_type"),
        uuid("template_version_id", null=True),
        uuid("unit_id"),
        uuid("owner_id"),
        uuid("topic_id", null=True),
        time("starts_at"),
        time("ends_at"),
        text("place"),
        sa.Column("longitude", sa.Numeric(11, 8)),
        sa.Column("latitude", sa.Numeric(10, 8)),
        sa.Column("expected", sa.Integer()),
        text("purpose"),
        sa.Column("fields", JSONB(), nullable=False),
        state(),
        time("state_since"),
        text("reason", null=True),
        uuid("approval_id", null=True),
        sa.Column("content_no", sa.Integer(), nullable=False),
        uuid("record_id", null=True),
        time("released_at", null=True),
        uuid("released_by", null=True),
        *stamped(),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_activities_times")),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_activities_place")),
        sa.CheckConstraint("state <> 'recorded' OR record_id IS NOT NULL", name=op.f("ck_activities_recorded")),
        sa.CheckConstraint("state NOT IN ('held', 'recorded') OR content_no > 0", name=op.f("ck_activities_content")),
        sa.CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name=op.f("ck_activities_released")),
        refers("activities", "template_version_id", "activity_template_versions"),
        refers("activities", "unit_id", "units"),
        refers("activities", "owner_id", "users"),
        refers("activities", "released_by", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activities"),
        sa.UniqueConstraint("number", name="uq_activities_number"),
    )
    indexes(
        "activities",
        *("region_path", "unit_path", "template_version_id", "unit_id", "owner_id", "topic_id", "record_id"),
    )
    op.create_index("ix_activities_starts_at", "activities", ["starts_at", "id"])
    op.create_index("ix_activities_state", "activities", ["state", "region_path"])
    op.create_table(
        "activity_nodes",
        uuid("activity_id"),
        uuid("node_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        refers("activity_nodes", "activity_id", "activities"),
        sa.PrimaryKeyConstraint("activity_id", "node_id", name="pk_activity_nodes"),
    )
    indexes("activity_nodes", "node_id")
    op.create_table(
        "activity_partners",
        uuid("activity_id"),
        uuid("unit_id"),
        refers("activity_partners", "activity_id", "activities"),
        refers("activity_partners", "unit_id", "units"),
        sa.PrimaryKeyConstraint("activity_id", "unit_id", name="pk_activity_partners"),
    )
    indexes("activity_partners", "unit_id")
    op.create_table(
        "activity_steps",
        uuid("id"),
        uuid("activity_id"),
        sa.Column("no", sa.Integer(), nullable=False),
        text("action"),
        state(),
        sa.Column("details", JSONB(), nullable=False),
        text("reason", null=True),
        uuid("by_id"),
        text("by_name"),
        time("at"),
        refers("activity_steps", "activity_id", "activities"),
        refers("activity_steps", "by_id", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_steps"),
        sa.UniqueConstraint("activity_id", "no", name="uq_activity_steps_activity_id_no"),
    )
    op.create_table(
        "activity_contents",
        uuid("activity_id"),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        uuid("made_by"),
        time("made_at"),
        refers("activity_contents", "activity_id", "activities"),
        refers("activity_contents", "made_by", "users"),
        sa.PrimaryKeyConstraint("activity_id", "no", name="pk_activity_contents"),
    )
    op.create_table(
        "activity_links",
        uuid("parent_id"),
        uuid("child_id"),
        uuid("attached_by"),
        time("attached_at"),
        text("reason", null=True),
        sa.CheckConstraint("parent_id <> child_id", name=op.f("ck_activity_links_not_itself")),
        refers("activity_links", "parent_id", "activities"),
        refers("activity_links", "child_id", "activities"),
        refers("activity_links", "attached_by", "users"),
        sa.PrimaryKeyConstraint("parent_id", "child_id", name="pk_activity_links"),
    )
    indexes("activity_links", "child_id")
    op.create_table(
        "activity_marks",
        uuid("id"),
        uuid("activity_id"),
        sa.Column("kind", ENUM("excellent", "demonstration", name="mark_kind"), nullable=False),
        uuid("unit_id"),
        text("reason"),
        uuid("given_by"),
        time("given_at"),
        uuid("revoked_by", null=True),
        time("revoked_at", null=True),
        text("revoke_reason", null=True),
        version(),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_activity_marks_revoked")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoke_reason IS NULL)", name=op.f("ck_activity_marks_revoke_reason")
        ),
        refers("activity_marks", "activity_id", "activities"),
        refers("activity_marks", "unit_id", "units"),
        refers("activity_marks", "given_by", "users"),
        refers("activity_marks", "revoked_by", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_marks"),
    )
    indexes("activity_marks", "activity_id", "unit_id")
    op.create_index(
        "uq_activity_marks_standing",
        "activity_marks",
        ["activity_id", "kind"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "activity_manuscripts",
        uuid("id"),
        text("region_path"),
        text("unit_path", null=True),
        uuid("activity_id"),
        uuid("unit_id"),
        uuid("owner_id"),
        text("title"),
        sa.Column("current_no", sa.Integer(), nullable=False),
        sa.Column("ready_no", sa.Integer()),
        *stamped(),
        sa.CheckConstraint("ready_no BETWEEN 1 AND current_no", name=op.f("ck_activity_manuscripts_ready")),
        refers("activity_manuscripts", "activity_id", "activities"),
        refers("activity_manuscripts", "unit_id", "units"),
        refers("activity_manuscripts", "owner_id", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_manuscripts"),
    )
    indexes("activity_manuscripts", "region_path", "unit_path", "activity_id", "unit_id", "owner_id")
    op.create_table(
        "manuscript_versions",
        uuid("manuscript_id"),
        sa.Column("no", sa.Integer(), nullable=False),
        text("title"),
        text("lead"),
        text("author_line"),
        text("body"),
        sa.Column("file_ids", ARRAY(sa.Uuid()), nullable=False),
        uuid("made_by"),
        time("made_at"),
        text("reason", null=True),
        refers("manuscript_versions", "manuscript_id", "activity_manuscripts"),
        refers("manuscript_versions", "made_by", "users"),
        sa.PrimaryKeyConstraint("manuscript_id", "no", name="pk_manuscript_versions"),
    )
    op.create_table(
        "manuscript_dispatches",
        uuid("submission_id"),
        uuid("manuscript_id"),
        sa.Column("version_no", sa.Integer(), nullable=False),
        refers("manuscript_dispatches", "submission_id", "submissions"),
        sa.ForeignKeyConstraint(
            ["manuscript_id", "version_no"],
            ["manuscript_versions.manuscript_id", "manuscript_versions.no"],
            name="fk_manuscript_dispatches_manuscript_id_version_no",
        ),
        sa.PrimaryKeyConstraint("submission_id", name="pk_manuscript_dispatches"),
    )
    indexes("manuscript_dispatches", "manuscript_id")
    op.create_table(
        "activity_shares",
        uuid("id"),
        uuid("activity_id"),
        text("token"),
        sa.Column("card", JSONB(), nullable=False),
        uuid("file_id", null=True),
        time("expires_at"),
        uuid("made_by"),
        time("revoked_at", null=True),
        uuid("revoked_by", null=True),
        text("revoke_reason", null=True),
        *stamped(),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_activity_shares_revoked")),
        refers("activity_shares", "activity_id", "activities"),
        refers("activity_shares", "file_id", "files"),
        refers("activity_shares", "made_by", "users"),
        refers("activity_shares", "revoked_by", "users"),
        sa.PrimaryKeyConstraint("id", name="pk_activity_shares"),
        sa.UniqueConstraint("token", name="uq_activity_shares_token"),
    )
    indexes("activity_shares", "activity_id")
    for table in APPEND_ONLY:
        op.execute(f"""
            CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_submitted()
        """)
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM wenming_app")


def downgrade() -> None:
    for table in (
        *("activity_shares", "manuscript_dispatches", "manuscript_versions", "activity_manuscripts"),
        *("activity_marks", "activity_links"),
        *("activity_contents", "activity_steps", "activity_partners", "activity_nodes", "activities"),
        *("activity_template_versions", "activity_templates"),
    ):
        op.drop_table(table)
