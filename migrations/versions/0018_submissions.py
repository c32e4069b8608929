"""submissions."""

revision = "0018_submissions"
down_revision = "0017_records"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
