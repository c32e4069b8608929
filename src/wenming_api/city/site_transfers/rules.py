"""Rules of importing sites: formats, columns, how a row of text becomes values."""

from enum import StrEnum


class TransferFormat(StrEnum):
    """File formats of import and export."""

    XLSX = "xlsx"
    CSV = "csv"
    GEOJSON = "geojson"


class OnExisting(StrEnum):
    """What a row does whose code a site already has."""

    REJECT = "reject"
    UPDATE = "update"
    SKIP = "skip"


class ImportState(StrEnum):
    """What became of an import: only judged, refused whole, saved whole, or saved without the failed rows."""

    CHECKED = "checked"
    REJECTED = "rejected"
    APPLIED = "applied"
    PARTIAL = "partial"
