"""Dictionaries, site types, sites and their history."""

revision = "0003_sites"
down_revision = "0002_files_inbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
