"""packages."""

revision = "0021_packages"
down_revision = "0020_layouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
