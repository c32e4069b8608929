"""books."""

revision = "0019_books"
down_revision = "0018_submissions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
