"""layouts."""

revision = "0020_layouts"
down_revision = "0019_books"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
