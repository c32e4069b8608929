"""Annual plans: tasks, the units that they name, publications, reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0026_plans"
down_revision = "0025_questionnaires"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PERCENT = sa.Numeric(5, 2)


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("warn_days", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source_plan_id", sa.Uuid()),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("published_at", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'revising', 'closed')", name="ck_plans_plan_state"),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name="ck_plans_year"),
        sa.CheckConstraint("warn_days BETWEEN 0 AND 90", name="ck_plans_warn_days"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_plans_unit_id"),
        sa.ForeignKeyConstraint(["source_plan_id"], ["plans.id"], name="fk_plans_source_plan_id"),
        sa.ForeignKeyConstraint(["root_id"], ["plans.id"], name="fk_plans_root_id"),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_plans_created_by"),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
        sa.UniqueConstraint("source_plan_id", "unit_id", name="uq_plans_source_plan_id_unit_id"),
    )
    for column in ("region_path", "unit_path", "root_id"):
        op.create_index(f"ix_plans_{column}", "plans", [column])
    op.create_index("ix_plans_unit_id_year", "plans", ["unit_id", "year"])
    op.create_table(
        "plan_tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date()),
        sa.Column("due_on", sa.Date()),
        sa.Column("source_task_id", sa.Uuid()),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("progress", PERCENT, nullable=False),
        sa.Column("done_on", sa.Date()),
        sa.Column("reminded_on", sa.Date()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="ck_plan_tasks_progress"),
        sa.CheckConstraint("(progress = 100) = (done_on IS NOT NULL)", name="ck_plan_tasks_done"),
        sa.CheckConstraint("starts_on <= due_on", name="ck_plan_tasks_dates"),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_tasks_plan_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["plan_tasks.id"], name="fk_plan_tasks_parent_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source_task_id"], ["plan_tasks.id"], name="fk_plan_tasks_source_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_tasks"),
    )
    op.create_index("ix_plan_tasks_parent_id", "plan_tasks", ["parent_id"])
    op.create_index("ix_plan_tasks_source_task_id", "plan_tasks", ["source_task_id"])
    op.create_index("ix_plan_tasks_plan_id_position", "plan_tasks", ["plan_id", "position"])
    op.create_index("ix_plan_tasks_due", "plan_tasks", ["due_on"], postgresql_where=sa.text("done_on IS NULL"))
    op.create_table(
        "plan_task_units",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("part IN ('lead', 'help')", name="ck_plan_task_units_task_part"),
        sa.ForeignKeyConstraint(["task_id"], ["plan_tasks.id"], name="fk_plan_task_units_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_plan_task_units_unit_id"),
        sa.PrimaryKeyConstraint("task_id", "unit_id", name="pk_plan_task_units"),
    )
    op.create_index("ix_plan_task_units_unit_id", "plan_task_units", ["unit_id"])
    op.create_index(
        "uq_plan_task_units_lead",
        "plan_task_units",
        ["task_id"],
        unique=True,
        postgresql_where=sa.text("part = 'lead'"),
    )
    op.create_table(
        "plan_revisions",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("tasks", JSONB(), nullable=False),
        sa.Column("unit_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid()),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_revisions_plan_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_plan_revisions_made_by"),
        sa.PrimaryKeyConstraint("plan_id", "no", name="pk_plan_revisions"),
    )
    op.create_table(
        "plan_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("progress", PERCENT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("file_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name="ck_plan_reports_progress"),
        sa.ForeignKeyConstraint(["task_id"], ["plan_tasks.id"], name="fk_plan_reports_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["reported_by"], ["users.id"], name="fk_plan_reports_reported_by"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_reports"),
    )
    op.create_index("ix_plan_reports_task_id_id", "plan_reports", ["task_id", "id"])


def downgrade() -> None:
    for table in ("plan_reports", "plan_revisions", "plan_task_units", "plan_tasks", "plans"):
        op.drop_table(table)
