"""What changed between two contents loses nothing; the state machine has no way out of its table."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.ledgers.contents.rules import (
    CAPTION_LABELS,
    LABELS,
    apply,
    bigrams,
    differences,
    search_text,
    searchable,
    three_way,
)
from wenming_api.ledgers.records.rules import TRANSITIONS, RecordAction, RecordState, allowed_from, next_state, why_not

IDS = st.sampled_from([f"{no:08d}-0000-7000-8000-000000000000" for no in range(5)])
TEXT = st.text(alphabet="文明城市 ab", max_size=4)
CAPTIONS = st.fixed_dictionaries(dict.fromkeys(CAPTION_LABELS, TEXT))


def listed(**fields: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    item = st.fixed_dictionaries({"file_id": IDS, **fields})
    return st.lists(item, max_size=4, unique_by=lambda each: each["file_id"])


CONTENTS = st.fixed_dictionaries(
    {
        "title": TEXT,
        "text": TEXT,
        "node_ids": st.lists(IDS, max_size=3, unique=True),
        "place": TEXT,
        "participant_count": st.none() | st.integers(0, 9),
        "photos": listed(caption=CAPTIONS),
        "attachments": listed(name=TEXT, kind=st.sampled_from(["table", "other"])),
        "videos": st.lists(st.fixed_dictionaries({"url": TEXT, "title": TEXT}), max_size=2),
    }
)


@given(CONTENTS, CONTENTS)
def test_changes_applied_to_the_old_give_the_new(old, new):
    assert apply(differences(old, new), old) == new


@given(CONTENTS)
def test_nothing_changed_is_no_change(same):
    assert differences(same, same) == []


@given(CONTENTS, CONTENTS)
def test_every_change_names_its_field(old, new):
    for change in differences(old, new):
        assert change.path.split("/")[1] in LABELS
        assert change.before != change.after


@given(CONTENTS, CONTENTS, CONTENTS)
def test_a_merge_shows_both_sides(base, theirs, yours):
    merged = {each.path: each for each in three_way(base, theirs, yours)}
    assert {change.path for change in differences(base, theirs)} <= merged.keys()
    assert {change.path for change in differences(base, yours)} <= merged.keys()
    assert not any(each.conflict for each in three_way(base, theirs, base))
    assert not any(each.conflict for each in three_way(base, theirs, theirs))


@given(st.lists(st.sampled_from(list(RecordAction)), max_size=30))
def test_no_sequence_of_actions_leaves_the_table(actions):
    state = RecordState.DRAFT
    for action in actions:
        following = next_state(state, action)
        if action not in (RecordAction.COPY, RecordAction.DELETE):
            assert (following is None) == (why_not(action, state) is not None)
        if following is None:
            assert (state, action) not in TRANSITIONS
            assert action not in allowed_from(state)
        else:
            state = following
    assert state in RecordState


def test_only_drafts_never_submitted_are_deleted():
    deletable = {
        (state, once)
        for state in RecordState
        for once in (False, True)
        if why_not(RecordAction.DELETE, state, submitted_once=once) is None
    }
    assert deletable == {(RecordState.DRAFT, False)}


@given(st.text(max_size=30), st.integers(0, 30), st.integers(2, 6))
def test_whatever_stands_in_a_text_is_found_by_its_neighbours(text, start, length):
    line = searchable(text)
    word = line[start : start + length]
    if len(word) >= 2 and " " not in word:
        assert set(bigrams(word)) <= set(bigrams(line))


def test_what_is_searched():
    caption = dict.fromkeys(CAPTION_LABELS, "") | {"theme": "学雷锋"}
    text = search_text(
        {"title": "Ａ标题", "text": "", "photos": [{"caption": caption}], "attachments": [{"name": "通知"}]}
    )
    assert text == "a标题\n通知\n学雷锋"
