"""Repeat a published draw from its public record: `python verify_draw.py FILE_OR_ADDRESS_OF_THE_JSON`."""

import hashlib
import json
import sys
import urllib.request


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def repeat(record):
    """Yield (what, published, computed) for everything the record claims."""
    frame_hash = sha(record["frame"])
    seed = sha(f"{record['secret']}:{record['public_value']}:{frame_hash}")
    yield "commitment", record["commitment"], sha(record["secret"])
    yield "frame_hash", record["frame_hash"], frame_hash
    yield "seed", record["seed"], seed
    strata, quotas = {}, {quota["site_type_code"]: quota["count"] for quota in record["quotas"]}
    for line in record["frame"].splitlines():
        site, site_type, stratum = line.split(",")
        strata.setdefault(stratum, (quotas[site_type], []))[1].append(site)
    published = {stratum["stratum"]: stratum for stratum in record["strata"]}
    yield "strata", sorted(published), sorted(strata)
    for name, (count, sites) in sorted(strata.items()):
        order, claim = sorted(sites, key=lambda site: sha(f"{seed}:{site}")), published.get(name, {})
        yield f"{name} drawn", claim.get("drawn"), order[:count]
        yield f"{name} reserve", claim.get("reserve"), order[count:]


if __name__ == "__main__":
    place = sys.argv[1]
    with urllib.request.urlopen(place) if place.startswith("http") else open(place, "rb") as source:
        wrong = [claim for claim in repeat(json.load(source)) if claim[1] != claim[2]]
    for what, published, computed in wrong:
        print(f"DIFFERS {what}: published {published}, computed {computed}")
    print("the draw", "does NOT follow" if wrong else "follows", "from its record")
    sys.exit(bool(wrong))
