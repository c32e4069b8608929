"""Credit codes and paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.system.units.rules import (
    SYMBOLS,
    child_path,
    credit_check_symbol,
    depth,
    is_credit_code,
    lies_below,
    moved_path,
)

VALID = [
    "91350100M000100Y43",
    "91440300708461136T",
    "91330100799655058B",
    "9144030071526726XG",
    "914403001922038216",
]
bodies = st.text(alphabet=SYMBOLS, min_size=17, max_size=17)
numbers = st.lists(st.integers(1, 10**12), min_size=1, max_size=6)


@pytest.mark.parametrize("code", VALID)
def test_real_codes_are_valid(code):
    assert is_credit_code(code)


@pytest.mark.parametrize(
    "code", ["91350100M000100Y4Z", "12100000400010270U", "", "9" * 17, VALID[0].lower(), VALID[0] + "\n"]
)
def test_wrong_codes_are_not(code):
    assert not is_credit_code(code)


@given(bodies)
def test_exactly_one_check_symbol_is_right(body):
    right = [symbol for symbol in SYMBOLS if is_credit_code(body + symbol)]
    assert right == [credit_check_symbol(body)]


@given(bodies, st.integers(0, 16), st.sampled_from(SYMBOLS))
def test_one_wrong_symbol_is_always_noticed(body, at, symbol):
    code = body + credit_check_symbol(body)
    wrong = code[:at] + symbol + code[at + 1 :]
    assert is_credit_code(wrong) == (wrong == code)


@given(bodies, st.integers(0, 16))
def test_two_neighbours_exchanged_are_always_noticed(body, at):
    code = body + credit_check_symbol(body)
    wrong = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert is_credit_code(wrong) == (wrong == code)


def path_of(chain):
    path = ""
    for number in chain:
        path = child_path(path, number)
    return path


@given(numbers, numbers)
def test_below_means_the_chain_begins_alike(one, other):
    assert lies_below(path_of(one), path_of(other)) == (one[: len(other)] == other)
    assert depth(path_of(one)) == len(one)


@given(numbers, numbers, numbers)
def test_a_move_keeps_the_tail(old, new, tail):
    path = path_of([*old, *tail])
    assert moved_path(path, old=path_of(old), new=path_of(new)) == path_of([*new, *tail])
