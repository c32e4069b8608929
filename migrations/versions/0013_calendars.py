"""The working calendar, and what messages may be about from now on."""

import sqlalchemy as sa
from alembic import op

revision = "0013_calendars"
down_revision = "0012_narrow_cells"
branch_labels = None
depends_on = None

FORMER_TOPICS = "'assessment', 'draw', 'file', 'result', 'sheet', 'system', 'task'"
TOPICS = (
    "'activity', 'approval', 'assessment', 'draw', 'file', 'package', 'record', 'result', 'sheet', 'submission', "
    "'system', 'task', 'title'"
)

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "holidays",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_holidays"),
        sa.CheckConstraint("kind IN ('holiday', 'workday')", name=op.f("ck_holidays_holiday_kind")),
    )
    op.drop_constraint(op.f("ck_messages_topic"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_topic"), "messages", f"topic IN ({TOPICS})")


def downgrade() -> None:
    op.execute(
        "DELETE FROM messages WHERE topic IN ('activity', 'approval', 'package', 'record', 'submission', 'title')"
    )
    op.drop_constraint(op.f("ck_messages_topic"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_topic"), "messages", f"topic IN ({FORMER_TOPICS})")
    op.drop_table("holidays")
