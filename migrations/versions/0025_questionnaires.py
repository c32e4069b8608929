"""questionnaires."""

revision = "0025_questionnaires"
down_revision = "0024_screenings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
