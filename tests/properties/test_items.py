"""One dict: the request that boto3 would send, or ItemRejected with a reason; and what the column encoder makes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.item import ItemEncoder
from asyncloader.encode.keys import key_of
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.errors import ItemRejected
from asyncloader.values.schema import AttributeType, KeyAttribute, Table
from tests.properties import boto3_oracle, strategies, table_oracle
from tests.properties.effort import thorough, usual

BY_ID = Table("t", "arn", KeyAttribute("id"))
_PYTHON_KEYS: dict[str, st.SearchStrategy[Any]] = {
    "S": strategies.filled_texts,
    "N": st.one_of(st.integers(-5, 5), st.integers(-(10**38) + 1, 10**38 - 1), st.decimals(-9, 9, places=2)),
    "B": st.binary(min_size=1, max_size=9),
}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table with one key attribute or two, with or without an index."""
    names = draw(st.lists(strategies.column_names, min_size=3, max_size=3, unique=True))
    one, two, three = (KeyAttribute(name, draw(strategies.key_types)) for name in names)
    return Table("t", "arn", one, draw(st.sampled_from([None, two])), draw(st.sampled_from([(), (three,)])))


@st.composite
def items(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    """An item that the table takes."""
    keys = {each.name: draw(_PYTHON_KEYS[each.type]) for each in table.key}
    others = draw(st.dictionaries(strategies.column_names, strategies.python_values, max_size=8))
    index = {each.name: draw(_PYTHON_KEYS[each.type]) for each in table.index_keys if draw(st.booleans())}
    for each in table.index_keys:
        others.pop(each.name, None)
    return {**others, **index, **keys}


def sent(body: bytes) -> Mapping[str, Any]:
    """The item in a put request."""
    item: Mapping[str, Any] = json.loads(body)["PutRequest"]["Item"]
    return item


def costs_the_same(size: int, exact: int) -> bool:
    """Whether a size is exact, or of a short item a bound that costs the same."""
    return size == exact or exact <= size <= 1024


@thorough
@given(st.data())
def test_an_item_is_sent_as_boto3_sends_it(data: st.DataObject) -> None:
    table = data.draw(tables())
    item = data.draw(items(table))
    body, size, key = ItemEncoder(table).put(item)
    (wanted,) = boto3_oracle.sent_items([item])
    assert boto3_oracle.comparable_item(sent(body)) == boto3_oracle.comparable_item(wanted)
    assert costs_the_same(size, boto3_oracle.item_size(item))
    assert key == key_of(wanted, table.key)


@usual
@given(st.data())
def test_dynamodb_json_is_sent_as_it_stands(data: st.DataObject) -> None:
    """What boto3's low-level client would take, and what an export holds, come out as the same item."""
    table = data.draw(tables())
    item = data.draw(items(table))
    (typed,) = boto3_oracle.sent_items([item])
    body, size, key = ItemEncoder(table, raw=True).put(typed)
    assert boto3_oracle.comparable_item(sent(body)) == boto3_oracle.comparable_item(typed)
    assert key == ItemEncoder(table).put(item)[2]
    assert costs_the_same(size, boto3_oracle.item_size(item))


@usual
@given(st.data())
def test_an_item_is_what_the_column_encoder_makes_of_its_row(data: st.DataObject) -> None:
    kinds: dict[str, AttributeType] = {"id": data.draw(strategies.key_types)}
    kinds |= data.draw(st.dictionaries(st.sampled_from("abcdé"), st.sampled_from(get_args(AttributeType)), max_size=4))
    table = Table("t", "arn", KeyAttribute("id", kinds["id"]))  # type: ignore[arg-type]  # it is one of three
    row = {
        name: data.draw(strategies.key_texts(kind) if name == "id" else strategies.valid_cells(kind))  # type: ignore[arg-type]
        for name, kind in kinds.items()
    }
    columns = Columns(tuple(kinds), tuple(pa.array([text], pa.string()) for text in row.values()), 1)
    types = {name: kind for name, kind in kinds.items() if name != "id"}
    encoded = run_steps(ColumnEncoder(list(kinds), table, types, "keep").encode(TextBlock(0, 0, b"", 0, 1), columns))
    item = {name: boto3_oracle.python_value(kinds[name], text) for name, text in row.items()}
    body, size, key = ItemEncoder(table).put(item)
    assert boto3_oracle.comparable_item(sent(body)) == boto3_oracle.comparable_item(sent(bytes(encoded.payload(0, 1))))
    assert key == encoded.item_key(0)
    assert costs_the_same(size, int(encoded.sizes[0]))


@usual
@given(st.data())
def test_a_key_is_deleted_under_the_key_that_it_was_put_under(data: st.DataObject) -> None:
    table = data.draw(tables())
    item = data.draw(items(table))
    key = {each.name: item[each.name] for each in table.key}
    body, _, found = ItemEncoder(table).delete(key)
    (wanted,) = boto3_oracle.sent_items([key])
    told = json.loads(body)["DeleteRequest"]["Key"]
    assert boto3_oracle.comparable_item(told) == boto3_oracle.comparable_item(wanted)
    assert found == ItemEncoder(table).put(item)[2]


@usual
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_shortest_text(value: float) -> None:
    assume(value == 0 or 1e-130 <= abs(value) <= 9.9e125)
    body, _, _ = ItemEncoder(BY_ID).put({"id": "1", "f": value})
    assert Decimal(sent(body)["f"]["N"]) == Decimal(repr(value))


@usual
@given(st.sampled_from(["S", "N", "B"]), st.data())
def test_two_keys_are_equal_exactly_when_dynamodb_says_so(kind: Any, data: st.DataObject) -> None:
    texts = [data.draw(strategies.key_texts(kind)) for _ in range(2)]
    encoder = ItemEncoder(Table("t", "arn", KeyAttribute("id", kind)), raw=True)
    one, other = (encoder.put({"id": {kind: text}})[2] for text in texts)
    assert (one == other) == (table_oracle.key_value(kind, texts[0]) == table_oracle.key_value(kind, texts[1]))


class Colour(StrEnum):
    RED = "red"


class Old(str, Enum):  # noqa: UP042 -- the kind that people have
    RED = "red"


@pytest.mark.parametrize("member", [Colour.RED, Old.RED])
def test_a_member_of_an_enumeration_is_its_text(member: Any) -> None:
    body, _, key = ItemEncoder(BY_ID).put({"id": member, "set": {member}})
    assert sent(body) == {"id": {"S": "red"}, "set": {"SS": ["red"]}}
    assert hash(key) == hash(("red",))


def test_a_name_may_be_a_member_of_an_enumeration() -> None:
    class Name(StrEnum):
        ID = "id"

    assert sent(ItemEncoder(BY_ID).put({Name.ID: "1", "a": 1})[0]) == {"id": {"S": "1"}, "a": {"N": "1"}}


NESTED: Any = "x"
for _ in range(32):
    NESTED = [NESTED]
HERSELF: dict[str, Any] = {"id": "1"}
HERSELF["me"] = HERSELF
BAD: dict[str, tuple[Any, str]] = {
    "no key": ({}, "id: the key is missing"),
    "null key": ({"id": None}, "id: the key is of type NULL; the table wants S"),
    "number for a text": ({"id": 7}, "id: the key is of type N; the table wants S"),
    "empty key": ({"id": ""}, "id: the key is empty"),
    "long key": ({"id": "é" * 1025}, "id: the key has 2050 bytes; DynamoDB allows 2048"),
    "empty index key": ({"id": "1", "at": b""}, "at: the key is empty"),
    "index key of another type": ({"id": "1", "at": "x"}, "at: the key is of type S; the table wants B"),
    "long index key": ({"id": "1", "at": b"x" * 1025}, "at: the key has 1025 bytes; DynamoDB allows 1024"),
    "not a number": ({"id": "1", "f": float("nan")}, "f: is nan, which is no DynamoDB number"),
    "infinite": ({"id": "1", "f": Decimal("-Infinity")}, "f: is -Infinity, which is no DynamoDB number"),
    "39 digits": ({"id": "1", "n": 10**39 + 1}, "has 40 significant digits; DynamoDB keeps 38"),
    "too large": ({"id": "1", "n": 10**126}, "out of the range of a DynamoDB number"),
    "far too large": ({"id": "1", "n": 10**5000}, "out of the range of a DynamoDB number"),
    "too small": ({"id": "1", "n": 1e-131}, "out of the range of a DynamoDB number"),
    "deep": ({"id": "1", "l": NESTED}, "l: is nested deeper than 32 levels"),
    "endless": (HERSELF, "me: is nested deeper than 32 levels"),
    "empty set": ({"id": "1", "s": set()}, "s: is a set that is empty"),
    "mixed set": ({"id": "1", "s": {1, "a"}}, "s: is a set that is empty, or whose members are not all"),
    "same number twice": ({"id": "1", "s": {1.5, Decimal("1.50")} | {"x"}}, "s: is a set"),
    "surrogate": ({"id": "1", "s": "\ud800"}, "s: holds half of a surrogate pair"),
    "surrogate inside": ({"id": "1", "s": [{"a": "\ud800"}]}, "s: holds half of a surrogate pair"),
    "surrogate name": ({"id": "1", "\udc00": 1}, "has an attribute name with half of a surrogate pair"),
    "empty name": ({"id": "1", "": 1}, "has an attribute name of 0 bytes"),
    "long name": ({"id": "1", "n" * 65536: 1}, "has an attribute name of 65536 bytes"),
    "name that is no text": ({"id": "1", 7: 1}, "has the attribute name 7, which is no string"),
    "name that has no hash": ({"id": "1", ("a",): 1}, "has the attribute name ('a',), which is no string"),
    "unknown type": ({"id": "1", "o": object()}, "o: is of type object, which DynamoDB has no type for"),
    "too long": ({"id": "1", "t": "x" * 409_600}, "the item has 409604 bytes; DynamoDB allows 409600"),
    "no dict": ([("id", "1")], "is of type list; an item is a dict"),
    "nothing": (None, "is of type NoneType; an item is a dict"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_dynamodb_would_refuse_is_rejected_with_its_reason(case: str) -> None:
    item, reason = BAD[case]
    table = Table("t", "arn", KeyAttribute("id"), None, (KeyAttribute("at", "B"),), frozenset({"at"}))
    with pytest.raises(ItemRejected) as rejected:
        ItemEncoder(table).put(item)
    assert reason in rejected.value.reason


RAW_BAD: dict[str, tuple[Any, str]] = {
    "python value": ("x", "a: is not DynamoDB JSON"),
    "two types": ({"S": "x", "N": "1"}, "a: is not DynamoDB JSON"),
    "unknown type": ({"X": "x"}, "a: is not DynamoDB JSON: 'X'"),
    "number that is no text": ({"N": 1}, "a: is not DynamoDB JSON: 'N' with a value of type int"),
    "no number": ({"N": "1,5"}, "a: '1,5' is not a number"),
    "no base64": ({"B": "Q"}, "a: is not base64"),
    "false null": ({"NULL": False}, "a: is not DynamoDB JSON: 'NULL'"),
    "empty set": ({"SS": []}, "a: is an empty set"),
    "same number twice": ({"NS": ["1", "1.0"]}, "a: holds a member twice"),
    "same bytes twice": ({"BS": ["QQ==", b"A"]}, "a: holds a member twice"),
    "bad member": ({"L": [{"M": {"x": 1}}]}, "a: is not DynamoDB JSON"),
    "surrogate": ({"S": "\ud800"}, "a: holds half of a surrogate pair"),
}


@pytest.mark.parametrize("case", RAW_BAD)
def test_what_is_no_dynamodb_json_is_rejected_with_its_reason(case: str) -> None:
    value, reason = RAW_BAD[case]
    with pytest.raises(ItemRejected) as rejected:
        ItemEncoder(BY_ID, raw=True).put({"id": {"S": "1"}, "a": value})
    assert reason in rejected.value.reason
    assert rejected.value.key == {"id": {"S": "1"}}


def test_binary_values_of_dynamodb_json_are_bytes_or_their_base64() -> None:
    for value in (b"\0\xff", bytearray(b"\0\xff"), base64.b64encode(b"\0\xff").decode()):
        body, _, _ = ItemEncoder(BY_ID, raw=True).put({"id": {"S": "1"}, "b": {"B": value}})
        assert sent(body)["b"] == {"B": "AP8="}


def test_a_delete_takes_the_key_and_nothing_else() -> None:
    with pytest.raises(ItemRejected, match="x: is no attribute of the key"):
        ItemEncoder(BY_ID).delete({"id": "1", "x": 2})
    with pytest.raises(ItemRejected, match="id: the key is missing"):
        ItemEncoder(BY_ID).delete({})


class Moody(dict[str, Any]):
    """A dict that will not be looked into."""

    def items(self) -> Any:
        raise RuntimeError("not today")


def test_an_item_that_fails_by_itself_is_rejected_too() -> None:
    with pytest.raises(ItemRejected, match="cannot be encoded: RuntimeError: not today") as rejected:
        ItemEncoder(BY_ID).put(Moody(id="1"))
    assert isinstance(rejected.value.__cause__, RuntimeError)


def test_an_item_of_exactly_400_kb_is_taken() -> None:
    assert ItemEncoder(BY_ID).put({"id": "1", "t": "x" * (409_600 - 4)})[1] == 409_600


@usual
@given(st.data(), st.integers(900, 4200), st.sampled_from(["x", "é", "\x01"]))
def test_an_item_costs_a_unit_for_each_kb_begun(data: st.DataObject, length: int, letter: str) -> None:
    """Around the sizes where one more byte costs one more unit, and with every kind of value beside it."""
    item = {"id": "1", "t": letter * length, "n": data.draw(strategies.python_values)}
    assert costs_the_same(ItemEncoder(BY_ID).put(item)[1], boto3_oracle.item_size(item))


@usual
@given(st.data())
def test_the_json_of_an_item_is_longer_than_the_item(data: st.DataObject) -> None:
    """So what is short on the wire is short by DynamoDB's rules, too, and need not be measured."""
    item = {**data.draw(items(BY_ID)), "id": "1"}
    assert len(ItemEncoder(BY_ID).put(item)[0]) > boto3_oracle.item_size(item)
