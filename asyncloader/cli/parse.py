"""What the commands' options say about the cells of a source: its dialect, and the types of its columns."""

from __future__ import annotations

from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import AttributeType, attribute_type


def types_of(pairs: list[str]) -> dict[str, AttributeType]:
    """Read `--type COLUMN=TYPE`, as often as it is given; raises `UsageError`."""
    types: dict[str, AttributeType] = {}
    for pair in pairs:
        column, sign, kind = pair.rpartition("=")
        if not sign or not column:
            raise UsageError(f"--type takes COLUMN=TYPE, for example --type price=N, not {pair!r}")
        if column in types:
            raise UsageError(f"--type names the column {column!r} twice")
        try:
            types[column] = attribute_type(kind)
        except UsageError as error:
            raise UsageError(f"--type {pair}: {error}") from None
    return types


def dialect_of(
    delimiter: str,
    quote: str,
    escape: str | None,
    encoding: str,
    no_header: bool,
    columns: str | None,
    skip_rows: int,
) -> Dialect:
    """The dialect that the options describe; raises `UsageError`."""
    return Dialect(
        delimiter="\t" if delimiter == r"\t" else delimiter,
        quote=quote or None,
        escape=escape,
        encoding=encoding,
        header=not no_header,
        columns=() if columns is None else tuple(columns.split(",")),
        skip_rows=skip_rows,
    )
