"""Keys: equal by value, hashed alike exactly when equal, and the last row of each one wins."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.encode.key_columns import canonical_column, hash_columns, superseded_rows
from asyncloader.encode.keys import canonical_text
from asyncloader.values.schema import KeyType
from tests.properties import strategies
from tests.properties.effort import thorough, usual
from tests.properties.table_oracle import key_value

_WORDS = st.sampled_from(["", "a", "ab", "abcdefg", "abcdefgh", "abcdefghi", "b" * 16, "b" * 17, "a\0", "\0", "é"])
similar_texts = st.one_of(
    st.lists(_WORDS, max_size=4).map("".join),
    st.integers(0, 10**20).map(str),
    st.text(max_size=40),
)


def text_column(texts: list[str]) -> pa.StringArray:
    return pa.array(texts, pa.string())


@thorough
@given(key_type=strategies.key_types, data=st.data())
def test_a_key_has_one_canonical_text_for_all_spellings_of_its_value(key_type: KeyType, data: st.DataObject) -> None:
    one, other = data.draw(strategies.key_texts(key_type)), data.draw(strategies.key_texts(key_type))
    same = key_value(key_type, one) == key_value(key_type, other)
    assert (canonical_text(key_type, one) == canonical_text(key_type, other)) == same


@usual
@given(key_type=strategies.key_types, data=st.data())
def test_a_canonical_text_has_the_value_of_its_key(key_type: KeyType, data: st.DataObject) -> None:
    text = data.draw(strategies.key_texts(key_type))
    canonical = canonical_text(key_type, text)
    assert key_value(key_type, canonical) == key_value(key_type, text)
    assert canonical_text(key_type, canonical) == canonical


@usual
@given(key_type=strategies.key_types, data=st.data())
def test_a_column_is_made_canonical_like_each_of_its_texts(key_type: KeyType, data: st.DataObject) -> None:
    texts = data.draw(st.lists(strategies.key_texts(key_type), max_size=10))
    wanted = [canonical_text(key_type, text) for text in texts]
    assert canonical_column(key_type, text_column(texts)).to_pylist() == wanted


@thorough
@given(st.lists(similar_texts, min_size=2, max_size=40))
def test_hashes_are_equal_exactly_when_the_texts_are(texts: list[str]) -> None:
    hashes = hash_columns([text_column(texts)]).tolist()
    assert len(set(hashes)) == len(set(texts))
    assert len(set(zip(texts, hashes, strict=True))) == len(set(texts))


@thorough
@given(st.lists(st.tuples(similar_texts, similar_texts), min_size=2, max_size=40))
def test_a_hash_of_two_columns_knows_where_the_first_ends(pairs: list[tuple[str, str]]) -> None:
    """("ab", "c") and ("a", "bc") are two keys."""
    columns = [text_column([pair[0] for pair in pairs]), text_column([pair[1] for pair in pairs])]
    hashes = hash_columns(columns).tolist()
    assert len(set(hashes)) == len(set(pairs))
    assert len(set(zip(pairs, hashes, strict=True))) == len(set(pairs))


@usual
@given(st.lists(similar_texts, min_size=1, max_size=12), st.data())
def test_a_hash_does_not_depend_on_what_stands_beside_the_text(texts: list[str], data: st.DataObject) -> None:
    """Nor on where in the column it stands, also where that is a slice of a longer one."""
    first = data.draw(st.integers(0, len(texts) - 1))
    whole = hash_columns([text_column(texts)])
    part = hash_columns([text_column(texts).slice(first)])
    assert whole[first:].tolist() == part.tolist()
    assert whole[first] == hash_columns([text_column([texts[first]])])[0]


@usual
@given(st.integers(0, 10**15), st.sampled_from(["{:d}", "user#{:012d}", "2024-01-01T00:00:{:d}", "{:x}" * 3]))
def test_thousands_of_running_numbers_have_different_hashes(start: int, pattern: str) -> None:
    texts = [pattern.format(*[number] * 3) for number in range(start, start + 2000)]
    hashes = hash_columns([text_column(texts)])
    assert len(np.unique(hashes)) == 2000
    # The upper bits, which the table of conflicts looks at first, are spread as well: 2000 keys in a million buckets.
    assert len(np.unique(hashes >> np.uint64(44))) > 1900


@thorough
@given(st.lists(st.tuples(st.integers(0, 4).map(str), st.integers(0, 2).map(str)), max_size=20), st.booleans())
def test_all_but_the_last_row_of_a_key_are_superseded(rows: list[tuple[str, str]], collide: bool) -> None:
    """Also where all hashes are the same: keys are compared, not hashes."""
    columns = [text_column([row[0] for row in rows]), text_column([row[1] for row in rows])]
    hashes = np.zeros(len(rows), dtype=np.uint64) if collide else hash_columns(columns)
    wanted = [place for place, row in enumerate(rows) if row in rows[place + 1 :]]
    assert superseded_rows(hashes, columns).tolist() == wanted


@usual
@given(st.binary(max_size=20), st.integers(0, 15))
def test_spare_bits_of_base64_do_not_make_another_key(raw: bytes, spare: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = base64.b64encode(raw).decode()
    padding = text.count("=")
    if padding:
        at = len(text) - padding - 1
        last = alphabet.index(text[at]) | spare % (4**padding)
        text = text[:at] + alphabet[last] + text[at + 1 :]
    assert canonical_text("B", text) == base64.b64encode(raw).decode()
