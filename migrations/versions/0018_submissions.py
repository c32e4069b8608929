"""Topics, submissions, their rounds and catalogue nodes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0018_submissions"
down_revision = "0017_records"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('submitted', 'received')")


def uuid(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def day(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def edited() -> list[sa.Column]:
    return [moment("created_at"), moment("updated_at"), number("version")]


def choice(table: str, column: str, name: str, *values: str, nullable: bool = False) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=nullable),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}")


def upgrade() -> None:
    _topics()
    _submissions()


def _topics() -> None:
    op.create_table(
        "topics",
        uuid("id"),
        text("region_path"),
        text("unit_path", nullable=True),
        text("name"),
        *choice("topics", "kind", "topic_kind", "key_work", "special"),
        uuid("unit_id"),
        number("year"),
        day("opens_on"),
        day("closes_on"),
        *choice("topics", "state", "topic_state", "draft", "published", "closed", "archived"),
        sa.Column("node_ids", ARRAY(sa.Uuid()), nullable=False),
        uuid("parent_id", nullable=True),
        text("note", nullable=True),
        *edited(),
        check("topics", "period", "opens_on <= closes_on"),
        check("topics", "year", "year BETWEEN 2000 AND 2100"),
        check("topics", "parent", "parent_id <> id"),
        refers("topics", "unit_id", "units.id"),
        refers("topics", "parent_id", "topics.id"),
        sa.PrimaryKeyConstraint("id", name="pk_topics"),
    )
    for column in ("region_path", "unit_path", "unit_id", "parent_id"):
        op.create_index(f"ix_topics_{column}", "topics", [column])
    op.create_index("ix_topics_closes", "topics", ["closes_on", "id"])
    op.create_index("ix_topics_year", "topics", ["year", "name"])


def _submissions() -> None:
    name = "submissions"
    op.create_table(
        name,
        uuid("id"),
        uuid("owner_id"),
        text("region_path"),
        text("unit_path", nullable=True),
        text("receiver_unit_path"),
        text("receiver_region_path"),
        uuid("record_id"),
        number("version_no"),
        text("record_title"),
        uuid("record_unit_id"),
        uuid("unit_id"),
        uuid("receiver_unit_id"),
        *choice(
            *(name, "state", "submission_state"),
            *("submitted", "received", "accepted", "returned", "withdrawn", "archived"),
        ),
        *choice(name, "purpose", "purpose", "ledger", "topic", "manuscript"),
        uuid("topic_id", nullable=True),
        text("media_name", nullable=True),
        uuid("approval_id", nullable=True),
        uuid("parent_id", nullable=True),
        uuid("origin_id"),
        number("level"),
        number("round"),
        uuid("submitted_by"),
        moment("submitted_at"),
        uuid("received_by", nullable=True),
        moment("received_at", nullable=True),
        uuid("decided_by", nullable=True),
        moment("decided_at", nullable=True),
        moment("archived_at", nullable=True),
        day("deadline_on", nullable=True),
        text("opinion", nullable=True),
        text("reason", nullable=True),
        sa.Column("marks", JSONB(), nullable=False),
        *edited(),
        check(name, "topic", "(purpose = 'topic') = (topic_id IS NOT NULL)"),
        check(name, "media", "(purpose = 'manuscript') = (media_name IS NOT NULL)"),
        check(name, "level", "(level = 1) = (parent_id IS NULL)"),
        check(name, "origin", "(parent_id IS NULL) = (origin_id = id)"),
        check(name, "round", "round > 0"),
        check(
            name,
            "received",
            "state IN ('submitted', 'withdrawn') OR (received_at IS NOT NULL AND received_by IS NOT NULL)",
        ),
        check(name, "decided", "state NOT IN ('accepted', 'returned', 'archived') OR decided_at IS NOT NULL"),
        check(name, "archived", "(state = 'archived') = (archived_at IS NOT NULL)"),
        sa.ForeignKeyConstraint(
            ["record_id", "version_no"],
            ["record_versions.record_id", "record_versions.no"],
            name="fk_submissions_record_id_version_no",
        ),
        *(refers(name, column, "units.id") for column in ("record_unit_id", "unit_id", "receiver_unit_id")),
        *(refers(name, column, "users.id") for column in ("owner_id", "submitted_by", "received_by", "decided_by")),
        *(refers(name, column, "submissions.id") for column in ("parent_id", "origin_id")),
        refers(name, "topic_id", "topics.id"),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
    )
    op.create_index(
        "uq_submissions_live",
        name,
        ["record_id", "receiver_unit_id", "purpose", "topic_id", "media_name"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    for column in (
        *("owner_id", "region_path", "unit_path", "receiver_unit_path", "receiver_region_path"),
        *("parent_id", "origin_id"),
    ):
        op.create_index(f"ix_submissions_{column}", name, [column])
    op.create_index("ix_submissions_submitted", name, ["submitted_at", "id"])
    op.create_index("ix_submissions_sent", name, ["unit_id", "submitted_at", "id"])
    op.create_index("ix_submissions_received", name, ["receiver_unit_id", "submitted_at", "id"])
    op.create_index("ix_submissions_received_state", name, ["receiver_unit_id", "state", "submitted_at", "id"])
    op.create_index("ix_submissions_record_unit", name, ["record_unit_id", "state", "submitted_at"])
    op.create_index(
        "ix_submissions_topic", name, ["topic_id", "state"], postgresql_where=sa.text("topic_id IS NOT NULL")
    )
    op.create_index("ix_submissions_deadline", name, ["deadline_on", "id"], postgresql_where=OPEN)
    op.create_index(
        "ix_submissions_title",
        name,
        ["record_title"],
        postgresql_using="gin",
        postgresql_ops={"record_title": "gin_trgm_ops"},
    )
    name = "submission_rounds"
    op.create_table(
        name,
        uuid("submission_id"),
        number("no"),
        number("version_no"),
        uuid("submitted_by"),
        moment("submitted_at"),
        uuid("received_by", nullable=True),
        moment("received_at", nullable=True),
        *choice(name, "outcome", "round_outcome", "accepted", "returned", "withdrawn", nullable=True),
        uuid("decided_by", nullable=True),
        moment("decided_at", nullable=True),
        text("reason", nullable=True),
        sa.Column("marks", JSONB(), nullable=False),
        check(name, "no", "no > 0"),
        check(name, "decided", "(outcome IS NULL) = (decided_at IS NULL)"),
        *(refers(name, column, "users.id") for column in ("submitted_by", "received_by", "decided_by")),
        refers(name, "submission_id", "submissions.id"),
        sa.PrimaryKeyConstraint("submission_id", "no", name="pk_submission_rounds"),
    )
    name = "submission_nodes"
    op.create_table(
        name,
        uuid("submission_id"),
        uuid("node_id"),
        refers(name, "submission_id", "submissions.id"),
        refers(name, "node_id", "catalogue_nodes.id"),
        sa.PrimaryKeyConstraint("submission_id", "node_id", name="pk_submission_nodes"),
    )
    op.create_index("ix_submission_nodes_node_id", name, ["node_id", "submission_id"])


def downgrade() -> None:
    op.drop_table("submission_nodes")
    op.drop_table("submission_rounds")
    op.drop_table("submissions")
    op.drop_table("topics")
