"""titles."""

revision = "0023_titles"
down_revision = "0022_activities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
