"""activities."""

revision = "0022_activities"
down_revision = "0021_packages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
