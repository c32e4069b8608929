"""The provable draw: golden vector, uniformity, reproducibility, the published script, the life of a draw."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.sampling.rules import (
    DRAW_TRANSITIONS,
    TWO_PEOPLE,
    DrawAction,
    DrawState,
    FrameSite,
    Proposal,
    QuotaAboveFrameError,
    Shortfall,
    Standing,
    commitment_of,
    draw_refusal_of,
    draw_sites,
    frame_hash_of,
    frame_sites,
    frame_text,
    next_standing,
    order_strata,
    seed_of,
    stratum_of,
)

SCRIPT = Path(__file__).parents[3] / "scripts" / "verify_draw.py"
SECRET = "00" * 31 + "2a"
GOLDEN = [
    FrameSite(f"019347a0-0000-7000-8000-{number:012d}", site_type, f"{region}|{site_type}")
    for number, site_type, region in (
        (1, "37", "370302"),
        (2, "37", "370302"),
        (3, "37", "370302"),
        (4, "38", "370302"),
        (5, "38", "370302"),
        (6, "37", "370303"),
        (7, "37", "370303"),
        (8, "38", "370303"),
    )
]


def script():
    spec = importlib.util.spec_from_file_location("verify_draw", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record_of(sites, secret, public_value, quotas):
    """A public record as the service publishes it; quotas per site type."""
    frame = frame_text(sites)
    seed = seed_of(secret, public_value, frame_hash_of(frame))
    wanted = {site.stratum: quotas[site.site_type_code] for site in sites}
    strata = draw_sites(sites, seed, wanted, take_all=frozenset(wanted))
    return {
        "commitment": commitment_of(secret),
        "secret": secret,
        "public_value": public_value,
        "frame": frame,
        "frame_hash": frame_hash_of(frame),
        "seed": seed,
        "quotas": [{"site_type_code": code, "count": count} for code, count in quotas.items()],
        "strata": [
            {"stratum": name, "drawn": list(given.drawn), "reserve": list(given.reserve)}
            for name, given in strata.items()
        ],
    }


def test_golden_vector():
    frame = frame_text(reversed(GOLDEN))
    assert frame.encode().startswith(b"019347a0-0000-7000-8000-000000000001,37,370302|37\n")
    assert frame.count("\n") == 8
    assert commitment_of(SECRET) == "9cf49eeaaa45bd96bd47cf2cfeaeb0df96b82897144c8db521cc1330cc495761"
    assert frame_hash_of(frame) == "e75d71c8831da7df3996f6c158cefd94be2c66b9233a630e6f4d63b900ede6a3"
    seed = seed_of(SECRET, "3301.27", frame_hash_of(frame))
    assert seed == "01125b5b18a00deab148a9efecaefc6a3113872708879e8fa2da5478c34dd31c"
    orders = {name: [int(site[-1]) for site in order] for name, order in order_strata(GOLDEN, seed).items()}
    assert orders == {"370302|37": [2, 3, 1], "370302|38": [4, 5], "370303|37": [7, 6], "370303|38": [8]}


def test_first_are_drawn_and_the_rest_is_the_reserve_in_order():
    seed = seed_of(SECRET, "3301.27", frame_hash_of(frame_text(GOLDEN)))
    drawn = draw_sites(GOLDEN, seed, {"370302|37": 2, "370302|38": 1, "370303|37": 1, "370303|38": 1})
    assert [site[-1] for site in drawn["370302|37"].drawn] == ["2", "3"]
    assert [site[-1] for site in drawn["370302|37"].reserve] == ["1"]
    assert drawn["370303|38"].reserve == ()


def test_quota_above_frame_lists_every_short_stratum_and_draws_nothing():
    with pytest.raises(QuotaAboveFrameError) as caught:
        draw_sites(GOLDEN, SECRET, {"370302|37": 4, "370302|38": 2, "370303|38": 2, "370304|38": 1})
    assert caught.value.shortfalls == (
        Shortfall("370302|37", 4, 3),
        Shortfall("370303|38", 2, 1),
        Shortfall("370304|38", 1, 0),
    )


def test_a_stratum_that_takes_all_gives_what_it_has():
    drawn = draw_sites(GOLDEN, SECRET, {"370303|38": 5}, take_all=frozenset({"370303|38"}))
    assert len(drawn["370303|38"].drawn) == 1


@pytest.mark.parametrize(
    "site",
    [
        GOLDEN[0]._replace(site_id=GOLDEN[0].site_id.upper()),
        GOLDEN[0]._replace(site_id="1"),
        GOLDEN[0]._replace(site_id=GOLDEN[0].site_id + "\n"),
    ],
)
def test_a_frame_refuses_what_is_no_lower_case_uuid(site):
    with pytest.raises(ValueError, match="UUID"):
        frame_text([site])


def test_a_frame_refuses_the_same_site_twice():
    with pytest.raises(ValueError, match="twice"):
        frame_text([*GOLDEN, GOLDEN[3]._replace(site_type_code="99")])


@pytest.mark.parametrize("code", ["37,", "3|7", "3\n7", "3\r7"])
def test_a_stratum_refuses_separators_in_codes(code):
    with pytest.raises(ValueError, match="code"):
        stratum_of("370302", code)
    with pytest.raises(ValueError, match="code"):
        stratum_of(code, "37")


@pytest.mark.parametrize("secret", ["", "2a", "00" * 31 + "2A", "00" * 32 + "\n"])
def test_a_commitment_refuses_what_is_no_secret(secret):
    with pytest.raises(ValueError, match="hex"):
        commitment_of(secret)


def test_a_public_value_is_ascii():
    with pytest.raises(ValueError, match="ASCII"):
        seed_of(SECRET, "三三零一", "0" * 64)


sites_strategy = st.lists(
    st.tuples(st.uuids(), st.sampled_from(["01", "37", "38"]), st.sampled_from(["370302000000", "370303000000"])),
    unique_by=lambda row: row[0],
    min_size=1,
    max_size=60,
).map(lambda rows: [FrameSite(str(uuid), code, stratum_of(region, code)) for uuid, code, region in rows])
secrets_strategy = st.binary(min_size=32, max_size=32).map(bytes.hex)
public_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(sites=sites_strategy, secret=secrets_strategy, value=public_values, data=st.data())
def test_the_script_repeats_every_draw_and_notices_every_change(sites, secret, value, data):
    quotas = {code: data.draw(st.integers(0, 8)) for code in ("01", "37", "38")}
    record = json.loads(json.dumps(record_of(sites, secret, value, quotas)))
    repeat = script().repeat
    assert all(published == computed for _, published, computed in repeat(record))

    forged = data.draw(st.sampled_from(["commitment", "secret", "public_value", "frame", "seed", "swap"]))
    if forged == "swap":
        stratum = data.draw(st.sampled_from(record["strata"]))
        stratum["drawn"] = [*stratum["drawn"], str(UUID(int=7))]
    elif forged == "frame":
        record["frame"] = record["frame"].split("\n", 1)[1]
    else:
        record[forged] += "0"
    assert any(published != computed for _, published, computed in repeat(record))


@given(sites=sites_strategy, secret=secrets_strategy, data=st.data())
def test_a_draw_depends_on_nothing_but_seed_and_sites(sites, secret, data):
    shuffled = data.draw(st.permutations(sites))
    assert frame_text(sites) == frame_text(shuffled)
    assert frame_sites(frame_text(sites)) == sorted(sites)
    seed = seed_of(secret, "", frame_hash_of(frame_text(sites)))
    orders = order_strata(shuffled, seed)
    assert orders == order_strata(sites, seed)
    naive: dict[str, list[str]] = {}
    for site in sites:
        naive.setdefault(site.stratum, []).append(site.site_id)
    for order in naive.values():
        order.sort(key=lambda site_id: hashlib.sha256(f"{seed}:{site_id}".encode()).hexdigest())
    assert orders == naive


def test_draws_are_uniform():
    """χ² over 10,000 draws of 5 from 20; 19 degrees of freedom, p = 0.001 at 43.82. Then over every rank."""
    sites = [FrameSite(f"019347a0-0000-7000-8000-{n:012d}", "37", "370302|37") for n in range(20)]
    frame_hash = frame_hash_of(frame_text(sites))
    draws, size, count = 10_000, len(sites), 5
    drawn = dict.fromkeys((site.site_id for site in sites), 0)
    first = dict(drawn)
    for number in range(draws):
        seed = seed_of(hashlib.sha256(str(number).encode()).hexdigest(), "", frame_hash)
        stratum = draw_sites(sites, seed, {"370302|37": count})["370302|37"]
        first[stratum.drawn[0]] += 1
        for site_id in stratum.drawn:
            drawn[site_id] += 1
    share = count / size
    inclusion = sum((seen - draws * share) ** 2 for seen in drawn.values()) / (draws * share * (1 - share))
    assert inclusion * (size - 1) / size < 43.82
    assert sum((seen - draws / size) ** 2 for seen in first.values()) / (draws / size) < 43.82


def test_100_000_sites_are_drawn_within_a_second():
    sites = [
        FrameSite(str(UUID(int=0x019347A0 << 96 | n)), str(n % 54), f"3703{n % 8:02d}000000|{n % 54}")
        for n in range(100_000)
    ]
    quotas = {site.stratum: 20 for site in sites}
    begin = time.process_time()
    text = frame_text(sites)
    drawn = draw_sites(sites, seed_of(SECRET, "", frame_hash_of(text)), quotas)
    assert time.process_time() - begin < 1
    assert sum(len(stratum.drawn) for stratum in drawn.values()) == 20 * len(quotas)


def test_the_script_is_short_uses_the_standard_library_alone_and_says_what_it_found(tmp_path):
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    imported = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith("import ")}
    assert imported <= set(sys.stdlib_module_names)
    assert "\nfrom " not in text
    record = record_of(GOLDEN, SECRET, "3301.27", {"37": 1, "38": 1})
    place = tmp_path / "record.json"
    for changed, code in (({}, 0), ({"seed": "0" * 64}, 1)):
        place.write_text(json.dumps(record | changed), encoding="utf-8")
        ran = subprocess.run([sys.executable, "-I", SCRIPT, place], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (code, "")
        assert ("DIFFERS seed" in ran.stdout) is bool(code)


# The life of a draw, listed a second time by hand: whatever the table does, it stays within these.
PLAIN = [DrawState.COMMITTED, DrawState.FROZEN, DrawState.DRAWN, DrawState.EFFECTIVE]
LISTED = {
    (Standing(DrawState.COMMITTED), DrawAction.FREEZE, Standing(DrawState.FROZEN)),
    (Standing(DrawState.FROZEN), DrawAction.DRAW, Standing(DrawState.DRAWN)),
    (
        Standing(DrawState.DRAWN),
        DrawAction.PROPOSE_EFFECTIVE,
        Standing(DrawState.DRAWN, Proposal.EFFECTIVE),
    ),
    (
        Standing(DrawState.DRAWN, Proposal.EFFECTIVE),
        DrawAction.CONFIRM_EFFECTIVE,
        Standing(DrawState.EFFECTIVE),
    ),
    (Standing(DrawState.DRAWN, Proposal.EFFECTIVE), DrawAction.REJECT, Standing(DrawState.DRAWN)),
    *((Standing(at), DrawAction.PROPOSE_VOID, Standing(at, Proposal.VOID)) for at in PLAIN),
    *((Standing(at, Proposal.VOID), DrawAction.CONFIRM_VOID, Standing(DrawState.VOID)) for at in PLAIN),
    *((Standing(at, Proposal.VOID), DrawAction.REJECT, Standing(at)) for at in PLAIN),
}


@given(steps=st.lists(st.tuples(st.sampled_from(DrawAction), st.booleans()), max_size=40))
def test_a_draw_never_reaches_an_unlisted_standing(steps):
    standing = Standing(DrawState.COMMITTED)
    for action, same_person in steps:
        if draw_refusal_of(action, standing, same_person=same_person) is not None:
            with pytest.raises(ValueError):
                next_standing(action, standing, same_person=same_person)
            assert same_person or not any(row[:2] == (standing, action) for row in LISTED)
            continue
        reached = next_standing(action, standing, same_person=same_person)
        assert (standing, action, reached) in LISTED
        assert not (same_person and action in TWO_PEOPLE)
        standing = reached


def test_the_table_lists_every_action_and_void_is_final():
    assert set(DRAW_TRANSITIONS) == set(DrawAction)
    assert all(draw_refusal_of(action, Standing(DrawState.VOID)) for action in DrawAction)
