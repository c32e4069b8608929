"""Dictionaries, custom areas, site types, sites, their history and imports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003_sites"
down_revision = "0002_files_inbox"
branch_labels = None
depends_on = None

DEGREES = sa.Numeric(11, 8)


def keyed() -> sa.Column:
    return sa.Column("id", sa.Uuid(), nullable=False)


def stamped() -> list[sa.Column]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    ]


def versioned() -> sa.Column:
    return sa.Column("version", sa.Integer(), nullable=False)


def choice(table: str, column: str, name: str, *values: str) -> list[sa.schema.SchemaItem]:
    listed = ", ".join(f"'{value}'" for value in values)
    return [
        sa.Column(column, sa.String(40), nullable=False),
        sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}")),
    ]


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "dictionaries",
        keyed(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("position", sa.Integer(), nullable=False),
        *stamped(),
        versioned(),
        sa.PrimaryKeyConstraint("id", name="pk_dictionaries"),
        sa.UniqueConstraint("code", name="uq_dictionaries_code"),
    )
    op.create_table(
        "dictionary_items",
        keyed(),
        sa.Column("dictionary_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text()),
        *stamped(),
        versioned(),
        sa.CheckConstraint("position >= 0", name=op.f("ck_dictionary_items_position")),
        sa.ForeignKeyConstraint(["dictionary_id"], ["dictionaries.id"], name="fk_dictionary_items_dictionary_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dictionary_items"),
        sa.UniqueConstraint("dictionary_id", "code", name="uq_dictionary_items_dictionary_id_code"),
    )
    op.create_index("ix_dictionary_items_order", "dictionary_items", ["dictionary_id", "position", "id"])

    op.create_table(
        "areas",
        keyed(),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *choice("areas", "kind", "area_kind", "urban", "fringe", "grid", "zone", "other"),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text()),
        *stamped(),
        versioned(),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name="fk_areas_region_id"),
        sa.PrimaryKeyConstraint("id", name="pk_areas"),
        sa.UniqueConstraint("code", name="uq_areas_code"),
    )
    op.create_index("ix_areas_region_path", "areas", ["region_path"])
    op.create_index("ix_areas_region_id", "areas", ["region_id"])
    op.create_table(
        "area_members",
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name="fk_area_members_area_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name="fk_area_members_region_id"),
        sa.PrimaryKeyConstraint("area_id", "region_id", name="pk_area_members"),
    )
    op.create_index("ix_area_members_region_id", "area_members", ["region_id"])

    op.create_table(
        "site_types",
        keyed(),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("is_place", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("note", sa.Text()),
        *stamped(),
        versioned(),
        sa.PrimaryKeyConstraint("id", name="pk_site_types"),
        sa.UniqueConstraint("code", name="uq_site_types_code"),
    )
    op.execute("CREATE SEQUENCE site_numbers")
    op.create_table(
        "sites",
        keyed(),
        sa.Column("region_path", sa.Text(), nullable=False),
        sa.Column("unit_path", sa.Text()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site_type_code", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("longitude", DEGREES),
        sa.Column("latitude", DEGREES),
        *choice("sites", "crs", "crs", "wgs84", "cgcs2000", "gcj02", "bd09"),
        sa.Column("map_longitude", DEGREES),
        sa.Column("map_latitude", DEGREES),
        sa.Column("responsible_unit_id", sa.Uuid()),
        sa.Column("industry_code", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text()),
        *stamped(),
        versioned(),
        sa.CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name=op.f("ck_sites_both_coordinates")),
        sa.CheckConstraint("(longitude IS NULL) = (map_longitude IS NULL)", name=op.f("ck_sites_map_longitude")),
        sa.CheckConstraint("(latitude IS NULL) = (map_latitude IS NULL)", name=op.f("ck_sites_map_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_sites_longitude")),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_sites_latitude")),
        sa.ForeignKeyConstraint(["site_type_code"], ["site_types.code"], name="fk_sites_site_type_code"),
        sa.ForeignKeyConstraint(["region_id"], ["regions.id"], name="fk_sites_region_id"),
        sa.ForeignKeyConstraint(["responsible_unit_id"], ["units.id"], name="fk_sites_responsible_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("code", name="uq_sites_code"),
    )
    op.create_index("ix_sites_region_path", "sites", ["region_path"])
    op.create_index("ix_sites_unit_path", "sites", ["unit_path"])
    op.create_index("ix_sites_region_id", "sites", ["region_id"])
    op.create_index("ix_sites_responsible_unit_id", "sites", ["responsible_unit_id"])
    op.create_index("ix_sites_type", "sites", ["site_type_code", "region_path"])
    op.create_index("ix_sites_name_order", "sites", ["name", "id"])
    op.create_index("ix_sites_updated", "sites", ["updated_at", "id"])
    op.create_index("ix_sites_name", "sites", ["name"], postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"})
    op.create_index(
        "ix_sites_map",
        "sites",
        [sa.text("point(map_longitude::double precision, map_latitude::double precision)")],
        postgresql_using="gist",
        postgresql_where=sa.text("map_longitude IS NOT NULL"),
    )

    op.create_table(
        "site_versions",
        keyed(),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        *choice("site_versions", "action", "site_action", "create", "update", "import", "disable", "enable"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid()),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_site_versions_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_site_versions"),
        sa.UniqueConstraint("site_id", "no", name="uq_site_versions_site_id_no"),
    )
    op.create_table(
        "site_imports",
        keyed(),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        *choice("site_imports", "format", "transfer_format", "xlsx", "csv", "geojson"),
        *choice("site_imports", "on_existing", "on_existing", "reject", "update", "skip"),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        *choice("site_imports", "state", "import_state", "checked", "rejected", "applied", "partial"),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("failures", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_site_imports"),
    )
    op.create_index("ix_site_imports_owner_id", "site_imports", ["owner_id"])


def downgrade() -> None:
    op.drop_table("site_imports")
    op.drop_table("site_versions")
    op.drop_table("sites")
    op.execute("DROP SEQUENCE site_numbers")
    op.drop_table("site_types")
    op.drop_table("area_members")
    op.drop_table("areas")
    op.drop_table("dictionary_items")
    op.drop_table("dictionaries")
