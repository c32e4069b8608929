"""Books, their frozen entries, and moves between them.

A trigger makes the book of a unit, catalogue and year with the first submission that is accepted for it, in whatever
transaction that happens. It shares a lock with archiving, so that nothing accepted falls between two parts of a book.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_books"
down_revision = "0018_submissions"
branch_labels = None
depends_on = None

YEAR_OF_SUBMISSION = """
CREATE FUNCTION year_of_submission() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT coalesce(
           substring(content ->> 'happened_at' from '^[0-9]{4}'),
           substring(content ->> 'period_start' from '^[0-9]{4}'),
           to_char(NEW.submitted_at AT TIME ZONE 'Asia/Shanghai', 'YYYY')
         )::int
    INTO NEW.year
    FROM record_versions WHERE record_id = NEW.record_id AND no = NEW.version_no;
  NEW.year := coalesce(NEW.year, extract(year FROM NEW.submitted_at AT TIME ZONE 'Asia/Shanghai')::int);
  RETURN NEW;
END $$
"""
OPEN_BOOKS = """
CREATE FUNCTION open_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted record;
BEGIN
  FOR wanted IN
    SELECT DISTINCT node.catalogue_id, side.kind, side.unit_id
      FROM submission_nodes filed
      JOIN catalogue_nodes node ON node.id = filed.node_id
     CROSS JOIN (VALUES ('own', NEW.record_unit_id), ('collected', NEW.receiver_unit_id)) AS side(kind, unit_id)
     WHERE filed.submission_id = NEW.id
     ORDER BY 1, 2, 3
  LOOP
    LOOP
      PERFORM 1 FROM books
        WHERE unit_id = wanted.unit_id AND catalogue_id = wanted.catalogue_id AND year = NEW.year
          AND kind = wanted.kind AND "natural" AND state = 'live'
        FOR KEY SHARE;
      EXIT WHEN FOUND;
      INSERT INTO books (id, unit_id, unit_path, region_path, catalogue_id, year, kind, part, "natural", title, state,
                         created_at, updated_at, version)
      SELECT uuidv7(), unit.id, unit.unit_path, unit.region_path, catalogue.id, NEW.year, wanted.kind, next.part, true,
             catalogue.name || ' ' || NEW.year || '年' || CASE WHEN next.part > 1 THEN '（第' || next.part || '册）' ELSE '' END,
             'live', now(), now(), 1
        FROM units unit, catalogues catalogue,
             LATERAL (SELECT 1 + coalesce(max(part), 0) AS part FROM books
                       WHERE unit_id = wanted.unit_id AND catalogue_id = wanted.catalogue_id AND year = NEW.year
                         AND kind = wanted.kind AND "natural") next
       WHERE unit.id = wanted.unit_id AND catalogue.id = wanted.catalogue_id
      ON CONFLICT DO NOTHING;
      EXIT WHEN FOUND;
    END LOOP;
  END LOOP;
  RETURN NULL;
END $$
"""
KEEP_BOOKS = """
CREATE FUNCTION keep_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'archived' AND
     (NEW.unit_id, NEW.catalogue_id, NEW.year, NEW.kind, NEW.part, NEW.title, NEW.state, NEW.entry_count, NEW.hash,
      NEW.archived_by, NEW.archived_at, NEW.archive_reason)
     IS DISTINCT FROM
     (OLD.unit_id, OLD.catalogue_id, OLD.year, OLD.kind, OLD.part, OLD.title, OLD.state, OLD.entry_count, OLD.hash,
      OLD.archived_by, OLD.archived_at, OLD.archive_reason) THEN
    RAISE EXCEPTION 'an archived book is never changed';
  END IF;
  RETURN NEW;
END $$
"""
KEEP_ENTRIES = """
CREATE FUNCTION keep_book_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a frozen entry is never changed';
END $$
"""


def uuid(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def choice(table: str, column: str, name: str, *values: str) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=False),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _years()
    _books()
    _operations()


def _years() -> None:
    op.add_column("submissions", number("year", nullable=True))
    op.execute(YEAR_OF_SUBMISSION)
    op.execute(
        "CREATE TRIGGER submissions_year BEFORE INSERT OR UPDATE OF version_no ON submissions"
        " FOR EACH ROW EXECUTE FUNCTION year_of_submission()"
    )
    op.execute("UPDATE submissions SET version_no = version_no")
    op.alter_column("submissions", "year", nullable=False)
    in_force = sa.text("state IN ('accepted', 'archived') AND purpose <> 'manuscript'")
    for name, column in (("collected", "receiver_unit_id"), ("own", "record_unit_id")):
        op.create_index(
            f"ix_submissions_{name}", "submissions", [column, "year", "decided_at", "id"], postgresql_where=in_force
        )


def _books() -> None:
    op.create_table(
        "books",
        uuid("id"),
        text("region_path"),
        text("unit_path", nullable=True),
        uuid("unit_id"),
        uuid("catalogue_id"),
        number("year"),
        *choice("books", "kind", "book_kind", "own", "collected"),
        number("part"),
        flag("natural"),
        text("title"),
        *choice("books", "state", "book_state", "live", "archived", "dissolved"),
        number("entry_count", nullable=True),
        text("hash", nullable=True),
        uuid("archived_by", nullable=True),
        moment("archived_at", nullable=True),
        text("archive_reason", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        number("version"),
        check("books", "year", "year BETWEEN 1949 AND 2200"),
        check("books", "part", "part > 0"),
        check("books", "hash", "hash ~ '^[0-9a-f]{64}$'"),
        check(
            "books",
            "archived",
            "(state = 'archived') = (hash IS NOT NULL AND entry_count IS NOT NULL AND archived_at IS NOT NULL"
            " AND archived_by IS NOT NULL AND archive_reason IS NOT NULL)",
        ),
        check("books", "dissolved", "state <> 'dissolved' OR NOT \"natural\""),
        refers("books", "unit_id", "units"),
        refers("books", "catalogue_id", "catalogues"),
        refers("books", "archived_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
    )
    for column in ("region_path", "unit_path", "unit_id", "catalogue_id"):
        op.create_index(f"ix_books_{column}", "books", [column])
    key = ["unit_id", "catalogue_id", "year", "kind"]
    op.create_index("uq_books_natural", "books", [*key, "part"], unique=True, postgresql_where=sa.text('"natural"'))
    live = sa.text("\"natural\" AND state = 'live'")
    op.create_index("uq_books_live", "books", key, unique=True, postgresql_where=live)
    op.create_index("ix_books_year", "books", ["year", "title", "id"])
    op.create_table(
        "book_entries",
        uuid("book_id"),
        number("position"),
        *choice("book_entries", "kind", "book_kind", "own", "collected"),
        uuid("submission_id"),
        uuid("node_id"),
        uuid("record_id"),
        number("version_no"),
        text("content_hash"),
        moment("decided_at"),
        check("book_entries", "position", "position > 0"),
        refers("book_entries", "book_id", "books"),
        refers("book_entries", "submission_id", "submissions"),
        refers("book_entries", "node_id", "catalogue_nodes"),
        sa.PrimaryKeyConstraint("book_id", "position", name=op.f("pk_book_entries")),
        sa.UniqueConstraint(
            "kind", "submission_id", "node_id", name=op.f("uq_book_entries_kind_submission_id_node_id")
        ),
    )
    op.create_index("ix_book_entries_node_id", "book_entries", ["book_id", "node_id"])
    op.execute(OPEN_BOOKS)
    # At the end of the transaction, when the nodes are there, however they came.
    op.execute(
        "CREATE CONSTRAINT TRIGGER submissions_open_books AFTER INSERT OR UPDATE OF state ON submissions"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.state IN ('accepted', 'archived') AND NEW.purpose <> 'manuscript')"
        " EXECUTE FUNCTION open_books()"
    )
    op.execute(KEEP_BOOKS)
    op.execute("CREATE TRIGGER books_kept BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION keep_books()")
    op.execute(KEEP_ENTRIES)
    op.execute(
        "CREATE TRIGGER book_entries_kept BEFORE UPDATE OR DELETE ON book_entries"
        " FOR EACH ROW EXECUTE FUNCTION keep_book_entries()"
    )


def _operations() -> None:
    name = "book_operations"
    op.create_table(
        name,
        uuid("id"),
        text("region_path"),
        text("unit_path", nullable=True),
        uuid("unit_id"),
        *choice(name, "kind", "operation_kind", "merge", "distribute"),
        number("moved"),
        text("reason"),
        uuid("made_by"),
        moment("made_at"),
        uuid("undone_by", nullable=True),
        moment("undone_at", nullable=True),
        text("undo_reason", nullable=True),
        number("version"),
        check(name, "undone", "(undone_at IS NULL) = (undone_by IS NULL)"),
        check(name, "moved", "moved > 0"),
        refers(name, "unit_id", "units"),
        refers(name, "made_by", "users"),
        refers(name, "undone_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in ("region_path", "unit_path", "unit_id"):
        op.create_index(f"ix_{name}_{column}", name, [column])
    op.create_index("ix_book_operations_made", name, ["made_at", "id"])
    name = "book_moves"
    op.create_table(
        name,
        uuid("id"),
        uuid("operation_id"),
        *choice(name, "kind", "book_kind", "own", "collected"),
        uuid("submission_id"),
        uuid("node_id"),
        uuid("from_book_id"),
        uuid("to_book_id"),
        flag("current"),
        uuid("superseded_by", nullable=True),
        check(name, "apart", "from_book_id <> to_book_id"),
        check(name, "superseded", "NOT current OR superseded_by IS NULL"),
        refers(name, "operation_id", "book_operations"),
        refers(name, "submission_id", "submissions"),
        refers(name, "node_id", "catalogue_nodes"),
        refers(name, "from_book_id", "books"),
        refers(name, "to_book_id", "books"),
        refers(name, "superseded_by", "book_operations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    for column in ("operation_id", "from_book_id", "to_book_id", "superseded_by"):
        op.create_index(f"ix_{name}_{column}", name, [column])
    current = sa.text("current")
    op.create_index(
        "uq_book_moves_current", name, ["kind", "submission_id", "node_id"], unique=True, postgresql_where=current
    )
    op.create_index("ix_book_moves_there", name, ["to_book_id", "node_id"], postgresql_where=current)


def downgrade() -> None:
    op.execute("DROP TRIGGER submissions_open_books ON submissions")
    op.execute("DROP TRIGGER submissions_year ON submissions")
    op.drop_table("book_moves")
    op.drop_table("book_operations")
    op.drop_table("book_entries")
    op.drop_table("books")
    op.execute("DROP FUNCTION open_books(), keep_books(), keep_book_entries(), year_of_submission()")
    op.drop_index("ix_submissions_collected", "submissions")
    op.drop_index("ix_submissions_own", "submissions")
    op.drop_column("submissions", "year")
