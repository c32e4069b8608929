"""approvals."""

revision = "0014_approvals"
down_revision = "0013_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
