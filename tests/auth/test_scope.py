import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.auth.scope import Scope, format_scope, parse_scope
from armarium.domain.errors import Invalid
from armarium.domain.principal import Role

words = st.text("abcz09-_.|@:#%/*", min_size=1, max_size=20)
scopes = st.builds(
    Scope,
    grants=st.dictionaries(words, st.sampled_from(Role), max_size=4),
    current_workspace=st.none() | words,
    client_id=st.none() | words,
    extra=st.lists(words.filter(lambda word: not word.startswith(("ws:", "wid:", "cid:"))), max_size=4).map(tuple),
)


@given(scopes)
def test_a_written_scope_reads_back(scope):
    assert parse_scope(format_scope(scope)) == scope


@given(st.text())
def test_any_text_is_a_scope(text):
    assert isinstance(parse_scope(text), Scope)


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_part_can_smuggle_in_another(workspace, current, client, extra):
    scope = Scope(grants={workspace: Role.READ}, current_workspace=current, client_id=client, extra=(extra,))
    with contextlib.suppress(Invalid):
        assert parse_scope(format_scope(scope)) == scope


def test_the_words_of_a_scope():
    scope = parse_scope("ws:lab-a#rw wid:lab-a ws:*#r cid:me get_file:lab-a/x:a%2Fb openid ws:lab-b#boss ws:#a")
    assert scope == Scope(
        grants={"lab-a": Role.READ_WRITE, "*": Role.READ},
        current_workspace="lab-a",
        client_id="me",
        extra=("get_file:lab-a/x:a%2Fb", "openid"),
    )


@pytest.mark.parametrize("extra", ["ws:*#a", "a ws:*#a", "wid:other", "cid:me", "a\nws:*#a", ""])
def test_an_extra_scope_that_reads_as_a_role_is_refused(extra):
    with pytest.raises(Invalid):
        format_scope(Scope(extra=(extra,)))
