"""The family of errors: what its tree says is what it is."""

from __future__ import annotations

import inspect
import re

import pytest

from asyncloader.values import errors

FAMILY = {name: each for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, Exception)}


def drawn_tree() -> list[tuple[str, str, bool]]:
    """Every line of the tree: the class, its parent, and whether it is said to be retryable."""
    found = []
    open_: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"    ((?:│   |    |├── |└── )*)([A-Z]\w+)(.*)", line)
        if drawn:
            depth = len(drawn[1]) // 4
            open_ = [*open_[:depth], drawn[2]]
            found.append((drawn[2], open_[depth - 1] if depth else "Exception", drawn[3].endswith(" retryable")))
    return found


def test_the_tree_shows_every_error_below_its_parent() -> None:
    parents = {name: each.__mro__[1].__name__ for name, each in FAMILY.items()}
    assert parents == {name: parent for name, parent, _ in drawn_tree()}


def test_every_error_derives_from_the_root() -> None:
    assert all(issubclass(each, errors.AsyncLoaderError) for each in FAMILY.values())


def test_the_tree_says_what_is_retryable() -> None:
    said = {name for name, _, retryable in drawn_tree() if retryable}
    assert said == {name for name, each in FAMILY.items() if getattr(each, "retryable", False)}


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_every_error_says_what_it_means(name: str) -> None:
    assert (FAMILY[name].__doc__ or "").splitlines()[0].endswith(".")


def test_a_rejected_item_names_its_key_where_it_is_known() -> None:
    assert str(errors.ItemRejected("is too large", key={"id": "7"})) == "is too large (key {'id': '7'})"
    assert str(errors.ItemRejected("is too large")) == "is too large"
