"""screenings."""

revision = "0024_screenings"
down_revision = "0023_titles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
