"""Photos that a score line shows are evidence: the file behind one is not deleted, whenever it arrived.

The line names its photo without a foreign key, because the photo may arrive after the line. Files that never arrived
or did not pass examination may still be cleared away.
"""

from alembic import op

revision = "0010_evidence_kept"
down_revision = "0009_results"
branch_labels = None
depends_on = None

GUARD = """
CREATE FUNCTION keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM line_photos WHERE file_id = OLD.id) THEN
    RAISE EXCEPTION 'file % is evidence', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$
"""


def upgrade() -> None:
    op.execute(GUARD)
    op.execute(
        "CREATE TRIGGER keep_evidence BEFORE DELETE ON files FOR EACH ROW WHEN (OLD.state IN ('ready', 'uploaded')) "
        "EXECUTE FUNCTION keep_evidence()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_evidence ON files")
    op.execute("DROP FUNCTION keep_evidence()")
