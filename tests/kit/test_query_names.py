"""A query parameter that an address does not take is refused: a misspelt filter must not answer everything."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("address", "pointers", "advice"),
    [
        ("/regions?levle=county", ["/query/levle"], "“level”"),
        ("/regions?level=county&pagee=2&foo", ["/query/pagee", "/query/foo"], "“page”"),
        ("/sites?under=370300000000/", ["/query/under"], "查询参数"),
        ("/sites?page=1&sise=5&site_type=37", ["/query/sise", "/query/site_type"], "“size”"),
        ("/me?a%2Fb%ED%A0%80=1", ["/query/a~1b\ufffd\ufffd\ufffd"], "不接受查询参数"),
    ],
)
async def test_it_is_named_and_the_nearest_one_with_it(
    admin: httpx.AsyncClient, address: str, pointers: list[str], advice: str
) -> None:
    answer = await admin.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    errors = answer.json()["errors"]
    assert [error["pointer"] for error in errors] == pointers
    assert advice in errors[0]["message"]


async def test_changes_are_checked_as_well_and_nothing_is_done(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/messages/read-all?dry_run=true", json={"until": "2026-11-22T09:30:00+08:00"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/dry_run")


@pytest.mark.parametrize(
    "address", ["/regions?level=county&page=1&size=5&q=", "/site-exports?format=csv&site_type_code=37", "/regions?"]
)
async def test_those_of_dependencies_and_other_names_are_known(admin: httpx.AsyncClient, address: str) -> None:
    answer = await admin.get(address)
    assert "查询参数" not in answer.text
