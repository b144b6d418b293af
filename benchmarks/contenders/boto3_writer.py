"""The usual script: `Table.batch_writer` and `csv.DictReader`. One thread: the writer is not shared."""

import argparse
import csv
import itertools
import json
import time

import boto3


def load(path: str, table_name: str, endpoint_url: str, rows: int | None) -> int:
    table = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=endpoint_url).Table(table_name)
    written = 0
    with open(path, encoding="utf-8", newline="") as file, table.batch_writer() as writer:
        for row in itertools.islice(csv.DictReader(file), rows):
            writer.put_item(Item={name: text for name, text in row.items() if text})
            written += 1
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="Load a CSV file with boto3's batch_writer.")
    parser.add_argument("file")
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--table", default="bench")
    parser.add_argument("--workers", type=int, help="taken for the sake of one command line, not used")
    parser.add_argument("--rows", type=int, help="only the first N rows")
    args = parser.parse_args()
    started = time.perf_counter()
    written = load(args.file, args.table, args.endpoint_url, args.rows)
    print(json.dumps({"items_written": written, "elapsed_s": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
