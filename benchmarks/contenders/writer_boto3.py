"""The usual script: `Table.batch_writer`. One thread: the writer is not shared."""

import boto3
from events import events
from writing import Meter, arguments, tell


def main() -> None:
    args = arguments("Write single items with boto3's batch_writer.")
    table = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=args.endpoint_url).Table(args.table)
    with Meter() as meter, table.batch_writer() as writer:
        for item in events(args.items):
            writer.put_item(Item=item)
    tell(args, meter)


if __name__ == "__main__":
    main()
