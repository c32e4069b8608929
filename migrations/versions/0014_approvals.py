"""Approvals: levels, flows, approvals and their turns, stand-ins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014_approvals"
down_revision = "0013_calendars"
branch_labels = None
depends_on = None

PLACES = "'own', 'managing', 'receiver', 'community', 'street', 'county', 'city'"
STATES = "'pending', 'approved', 'returned', 'cancelled'"

moment = sa.DateTime(timezone=True)


def stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def foreign(table: str, column: str, other: str, **options: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [other], name=f"fk_{table}_{column}", **options)


def upgrade() -> None:
    op.create_table(
        "approval_levels",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        *stamps(),
        sa.PrimaryKeyConstraint("code", name="pk_approval_levels"),
        sa.UniqueConstraint("name", name="uq_approval_levels_name"),
    )
    op.create_table(
        "approval_flows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid()),
        sa.Column("active", sa.Boolean(), nullable=False),
        *stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_approval_flows"),
        foreign("approval_flows", "unit_id", "units.id"),
        sa.CheckConstraint("(unit_id IS NULL) = (unit_path IS NULL)", name=op.f("ck_approval_flows_unit")),
    )
    for column in ("region_path", "unit_path", "unit_id"):
        op.create_index(f"ix_approval_flows_{column}", "approval_flows", [column])
    op.create_index(
        "uq_approval_flows_kind",
        "approval_flows",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("active AND unit_id IS NULL"),
    )
    op.create_index(
        "uq_approval_flows_kind_unit_id",
        "approval_flows",
        ["kind", "unit_id"],
        unique=True,
        postgresql_where=sa.text("active AND unit_id IS NOT NULL"),
    )
    op.create_table(
        "approval_steps",
        sa.Column("flow_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level_code", sa.Text(), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("working_days", sa.Integer()),
        sa.PrimaryKeyConstraint("flow_id", "position", name="pk_approval_steps"),
        foreign("approval_steps", "flow_id", "approval_flows.id", ondelete="CASCADE"),
        foreign("approval_steps", "level_code", "approval_levels.code"),
        sa.CheckConstraint(f"place IN ({PLACES})", name=op.f("ck_approval_steps_place")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_approval_steps_position")),
        sa.CheckConstraint("working_days >= 1", name=op.f("ck_approval_steps_working_days")),
    )
    op.create_index("ix_approval_steps_level_code", "approval_steps", ["level_code"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("subject_version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("flow_id", sa.Uuid()),
        sa.Column("flow", JSONB(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("receiver_unit_id", sa.Uuid()),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("ended_at", moment),
        *stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        foreign("approvals", "flow_id", "approval_flows.id"),
        foreign("approvals", "unit_id", "units.id"),
        foreign("approvals", "receiver_unit_id", "units.id"),
        foreign("approvals", "author_id", "users.id"),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_approvals_approval_state")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_approvals_position")),
        sa.CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name=op.f("ck_approvals_end")),
    )
    for column in ("region_path", "unit_path", "flow_id", "unit_id", "receiver_unit_id", "subject_id"):
        op.create_index(f"ix_approvals_{column}", "approvals", [column])
    op.create_index("ix_approvals_author_id_created_at", "approvals", ["author_id", "created_at"])
    op.create_index("ix_approvals_created_at_id", "approvals", ["created_at", "id"])
    op.create_index("ix_approvals_due_on", "approvals", ["due_on", "id"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index(
        "uq_approvals_kind_subject_id",
        "approvals",
        ["kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "approval_turns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("told_at", moment),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("on_behalf_of", sa.Uuid()),
        sa.Column("decided_at", moment),
        sa.Column("reason", sa.Text()),
        sa.Column("marks", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approval_turns"),
        sa.UniqueConstraint("approval_id", "position", name="uq_approval_turns_approval_id_position"),
        foreign("approval_turns", "approval_id", "approvals.id"),
        foreign("approval_turns", "unit_id", "units.id"),
        foreign("approval_turns", "decided_by", "users.id"),
        foreign("approval_turns", "on_behalf_of", "users.id"),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_approval_turns_approval_state")),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name=op.f("ck_approval_turns_end")),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'returned') OR decided_by IS NOT NULL", name=op.f("ck_approval_turns_decider")
        ),
        sa.CheckConstraint("state <> 'returned' OR reason IS NOT NULL", name=op.f("ck_approval_turns_reason")),
        sa.CheckConstraint("on_behalf_of <> decided_by", name=op.f("ck_approval_turns_behalf")),
    )
    op.create_index(
        "ix_approval_turns_waiting",
        "approval_turns",
        ["unit_id", "permission"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_approval_turns_untold",
        "approval_turns",
        ["since"],
        postgresql_where=sa.text("state = 'pending' AND told_at IS NULL"),
    )
    op.create_index("ix_approval_turns_decided_by_decided_at", "approval_turns", ["decided_by", "decided_at"])
    for column in ("unit_id", "on_behalf_of"):
        op.create_index(f"ix_approval_turns_{column}", "approval_turns", [column])
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("deputy_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", moment),
        *stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_stand_ins"),
        foreign("stand_ins", "user_id", "users.id"),
        foreign("stand_ins", "deputy_id", "users.id"),
        foreign("stand_ins", "unit_id", "units.id"),
        foreign("stand_ins", "made_by", "users.id"),
        sa.CheckConstraint("kind IN ('delegation', 'absence')", name=op.f("ck_stand_ins_stand_in_kind")),
        sa.CheckConstraint("user_id <> deputy_id", name=op.f("ck_stand_ins_two_people")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_stand_ins_span")),
    )
    for column in ("region_path", "unit_path", "unit_id"):
        op.create_index(f"ix_stand_ins_{column}", "stand_ins", [column])
    op.create_index("ix_stand_ins_user_id_ends_on", "stand_ins", ["user_id", "ends_on"])
    op.create_index("ix_stand_ins_deputy_id_ends_on", "stand_ins", ["deputy_id", "ends_on"])


def downgrade() -> None:
    for table in ("stand_ins", "approval_turns", "approvals", "approval_steps", "approval_flows", "approval_levels"):
        op.drop_table(table)
