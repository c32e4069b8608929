"""指标: the tree, its levels, moves; the whole tree in few statements."""

from tests.factories.standards import make_indicator, make_standard, make_system

from wenming_api.catalog.permissions import Permission


async def test_levels_follow_the_parent_and_codes_are_unique(admin):
    system = await make_system(admin)
    path = f"/indicator-systems/{system['id']}/indicators"
    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    content = await make_indicator(admin, system["id"], "Ⅱ-1", top["id"])
    assert [(n["level"], n["level_name"]) for n in (top, content)] == [(1, "测评项目"), (2, "测评内容")]
    deeper = await admin.post(path, json={"parent_id": content["id"], "code": "Ⅲ-1", "name": "深"})
    assert (deeper.status_code, deeper.json()["errors"][0]["pointer"]) == (422, "/parent_id")
    again = await admin.post(path, json={"parent_id": None, "code": "Ⅱ-1", "name": "重复"})
    assert (again.status_code, again.json()["code"]) == (409, "standard_code_taken")
    other = await make_system(admin)
    foreign = await admin.post(
        f"/indicator-systems/{other['id']}/indicators", json={"parent_id": top["id"], "code": "x", "name": "外"}
    )
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/parent_id")


async def test_editing_and_deleting(admin):
    system = await make_system(admin)
    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    content = await make_indicator(admin, system["id"], "Ⅱ-1", top["id"])
    url = f"/indicator-systems/{system['id']}/indicators/{top['id']}"
    assert (await admin.patch(url, json={"name": "公共秩序"})).status_code == 428
    changed = await admin.patch(url, json={"name": "公共秩序"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.json()["version"], changed.headers["etag"]) == ("公共秩序", 2, '"2"')
    assert (await admin.patch(url, json={"name": "迟"}, headers={"If-Match": '"1"'})).status_code == 412
    taken = await admin.patch(url, json={"code": "Ⅱ-1"}, headers={"If-Match": '"2"'})
    assert (taken.status_code, taken.json()["code"]) == (409, "standard_code_taken")
    full = await admin.delete(url, headers={"If-Match": '"2"'})
    assert (full.status_code, full.json()["code"]) == (409, "indicator_in_use")
    below = f"/indicator-systems/{system['id']}/indicators/{content['id']}"
    assert (await admin.delete(below, headers={"If-Match": '"1"'})).status_code == 204
    assert (await admin.delete(url, headers={"If-Match": '"2"'})).status_code == 204
    assert (await admin.get(url)).status_code == 404


async def test_moves_keep_levels_and_make_no_cycle(admin):
    system = await make_system(admin, level_names=["一", "二", "三"])
    a, b = [await make_indicator(admin, system["id"], code) for code in "ab"]
    a1 = await make_indicator(admin, system["id"], "a1", a["id"])
    a2 = await make_indicator(admin, system["id"], "a2", a["id"])
    a11 = await make_indicator(admin, system["id"], "a11", a1["id"])
    await make_standard(admin, system["id"], a11["id"], "s1")

    async def move(indicator, parent, version=1, **where):
        return await admin.post(
            f"/indicator-systems/{system['id']}/indicators/{indicator['id']}/move",
            json={"version": version, "parent_id": parent and parent["id"], **where},
        )

    for indicator, parent in ((a, a1), (a, a11), (a1, a1), (a1, None), (a11, a), (a1, a11)):
        refused = await move(indicator, parent)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/parent_id")
    assert (await move(a1, b)).status_code == 200
    assert (await move(b, None, position=0)).status_code == 200
    late = await move(a1, a)
    assert (late.status_code, late.json()["current_version"]) == (409, 2)
    tree = (await admin.get(f"/indicator-systems/{system['id']}/tree")).json()
    assert [(n["code"], [c["code"] for c in n["children"]]) for n in tree["children"]] == [("b", ["a1"]), ("a", ["a2"])]
    assert tree["children"][0]["children"][0]["children"][0]["standards"][0]["code"] == "s1"
    assert (await move(a2, b, position=0)).json()["position"] == 0


async def test_the_whole_tree_takes_three_statements_and_sums_up(admin, statements):
    system = await make_system(admin)
    for no in range(3):
        top = await make_indicator(admin, system["id"], f"Ⅰ-{no}")
        for within in range(3):
            content = await make_indicator(admin, system["id"], f"Ⅱ-{no}-{within}", top["id"])
            await make_standard(admin, system["id"], content["id"], f"{no}-{within}-a", max_score="2.5")
            await make_standard(
                admin, system["id"], content["id"], f"{no}-{within}-b", max_score="1", list_kind="bonus"
            )
    with statements() as sent:
        answer = await admin.get(f"/indicator-systems/{system['id']}/tree")
    assert sent.count <= 3
    tree = answer.json()
    assert (tree["max_score"], tree["standard_count"]) == ("22.5", 18)
    assert [node["max_score"] for node in tree["children"]] == ["7.5", "7.5", "7.5"]
    assert tree["version"] == (await admin.get(f"/indicator-systems/{system['id']}")).json()["version"]


async def test_every_change_inside_raises_the_system_version(admin):
    system = await make_system(admin)
    url = f"/indicator-systems/{system['id']}"
    seen = [system["version"]]

    async def raised():
        seen.append((await admin.get(url)).json()["version"])
        return seen[-1] > seen[-2]

    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    assert await raised()
    content = await make_indicator(admin, system["id"], "Ⅱ-1", top["id"])
    assert await raised()
    standard = await make_standard(admin, system["id"], content["id"], "1")
    assert await raised()
    await admin.patch(f"{url}/standards/{standard['id']}", json={"note": "x"}, headers={"If-Match": '"1"'})
    assert await raised()
    await admin.delete(f"{url}/standards/{standard['id']}", headers={"If-Match": '"2"'})
    assert await raised()
    late = await admin.post(f"{url}/publish", json={"version": seen[0]})
    assert (late.status_code, late.json()["code"]) == (409, "version_moved")


async def test_only_managers_change(as_user, admin):
    system = await make_system(admin)
    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    reader = await as_user([Permission.STANDARDS_READ, Permission.STANDARDS_PUBLISH])
    url = f"/indicator-systems/{system['id']}/indicators"
    shown = (await reader.get(f"{url}/{top['id']}")).json()
    assert not any(a["allowed"] for a in shown["allowed_actions"])
    answers = [
        await reader.post(url, json={"parent_id": None, "code": "x", "name": "x"}),
        await reader.patch(f"{url}/{top['id']}", json={}, headers={"If-Match": '"1"'}),
        await reader.post(f"{url}/{top['id']}/move", json={"version": 1, "parent_id": None}),
        await reader.delete(f"{url}/{top['id']}", headers={"If-Match": '"1"'}),
    ]
    assert {answer.status_code for answer in answers} == {403}
