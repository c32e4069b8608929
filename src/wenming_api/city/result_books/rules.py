"""Names of worksheets. Pure."""

import re

_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
LONGEST = 31


def sheet_names(wished: list[str]) -> list[str]:
    """Names that a workbook accepts, none twice (letter case ignored), as near as possible to the wished ones."""
    taken: set[str] = set()
    names = []
    for wish in wished:
        base = _FORBIDDEN.sub(" ", wish).strip()[:LONGEST].strip() or "表"
        name, number = base, 2
        while name.lower() in taken:
            suffix = f" {number}"
            name, number = base[: LONGEST - len(suffix)] + suffix, number + 1
        taken.add(name.lower())
        names.append(name)
    return names
