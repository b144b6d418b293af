"""The data set: people, 9 columns, about 104 bytes a row, the same bytes for the same seed.

    python benchmarks/people.py --rows 1000000

- `id` is the key: unique, in no order (a bijection of the row's number).
- Every second row, by chance, has one empty cell, in any column but the key.
- About 5% of the rows hold a quoted field: with a comma, with a doubled quote, or quoted without need.
- Some names, cities and notes are not ASCII.

A file of N rows is the beginning of every longer file of the same seed.
"""

import argparse
import os
import random
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
COLUMNS = ("id", "first_name", "last_name", "email", "city", "country", "born", "balance", "note")


def sixteen(text: str) -> list[str]:
    """Four random bits choose one."""
    choices = [choice.strip() for choice in text.split("|")]
    assert len(choices) == 16
    return choices


FIRST = sixteen(
    "Alice|Bruno|Chiara|David|Emilia|Fatima|Grace|Hiroshi|Ines|Joseph|Katarzyna|Liam|Magnus|Nadia|Zoë|Priya"
)
LAST = sixteen(
    "Abbott|Berger|Castellanos|Dubois|Eriksson|Fernandes|Garcia|Hoffmann|"
    "Ivanova|Johansson|Kowalska|Lindqvist|Müller|Nakamura|Okonkwo|Petersen"
)
LOGIN = [name.replace("ü", "ue").lower() for name in LAST]
MAIL = sixteen(
    "example.com|example.org|example.net|mail.example.com|post.example.org|inbox.example.net|one.example|"
    "two.example|three.example|four.example|letters.example|box.example|home.example|work.example|"
    "eu.example.com|us.example.com"
)
CITY = sixteen(
    "Amsterdam|Barcelona|Copenhagen|Dublin|Edinburgh|Florence|Gothenburg|Hamburg|"
    "Istanbul|Johannesburg|Kraków|Lisbon|Munich|New York|Oslo|東京"
)
COUNTRY = sixteen("NL|ES|DK|IE|GB|IT|SE|DE|TR|ZA|PL|PT|AT|US|NO|JP")
NOTE = sixteen(
    "prefers e-mail|calls back on Mondays|long-standing customer|asked for a printed invoice|"
    "moved last spring|newsletter: yes|do not call before noon|pays by bank transfer|"
    "two accounts - see archive|café around the corner|VIP since the beginning|"
    "invited to the annual meeting|address checked|no notes so far|speaks four languages|waiting for a reply"
)
QUOTED = (
    '"paid, then refunded"',
    '"left a message, call back"',
    '"Smith, Jones & Partners"',
    '"Köln, Bonn and Aachen"',
    '"known as ""the Duke"""',
    '"wants the 5"" model"',
    '"quoted without need"',
    '"says ""yes, gladly"""',
)


def lines(rows: int, seed: int) -> Iterator[str]:
    """The data lines, without the header."""
    bits_of = random.Random(seed).getrandbits
    scramble = (seed * 0x9E3779B1) & 0xFFFFFFFF
    for number in range(rows):
        bits = bits_of(64)
        first, last = FIRST[bits & 15], LAST[bits >> 4 & 15]
        note = NOTE[bits >> 8 & 15]
        if (bits >> 12 & 1023) < 51:  # 5%
            note = QUOTED[bits >> 22 & 7]
        person = (number * 0x9E3779B1 & 0xFFFFFFFF) ^ scramble
        cells = [
            f"p{person:010d}",
            first,
            last,
            f"{LOGIN[bits >> 4 & 15]}{bits >> 22 & 0xFFFFF}@{MAIL[bits >> 34 & 15]}",
            CITY[bits >> 38 & 15],
            COUNTRY[bits >> 38 & 15],
            f"{1940 + (bits >> 42 & 63)}-{1 + (bits >> 4 & 15) % 12:02d}-{1 + (bits >> 8 & 15):02d}",
            f"{(bits >> 42 & 0xFFFF) - 9999}.{bits >> 25 & 63:02d}",
            note,
        ]
        if bits >> 63:
            # A quoted note stays: an empty cell of such a row is one of the seven others.
            cells[1 + (bits >> 60 & 7) % (7 if note[0] == '"' else 8)] = ""
        yield ",".join(cells) + "\n"


def ensure(rows: int, seed: int = 0) -> Path:
    """The file with this many rows; made if it is missing."""
    path = DATA / (f"people-{rows}.csv" if seed == 0 else f"people-{rows}-{seed}.csv")
    if path.exists():
        return path
    DATA.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as out:
            out.write(",".join(COLUMNS) + "\n")
            out.writelines(lines(rows, seed))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the data set to benchmarks/data/.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(ensure(args.rows, args.seed))


if __name__ == "__main__":
    main()
