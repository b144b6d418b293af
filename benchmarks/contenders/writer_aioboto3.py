"""aioboto3's own `batch_writer`: the async spelling of the usual script, one request at a time."""

import argparse

import aioboto3
from events import events
from writing import Meter, arguments, run


async def write(args: argparse.Namespace, meter: Meter) -> None:
    async with aioboto3.Session().resource(
        "dynamodb", region_name="eu-west-1", endpoint_url=args.endpoint_url
    ) as resource:
        table = await resource.Table(args.table)
        with meter:
            async with table.batch_writer() as writer:
                for item in events(args.items):
                    await writer.put_item(Item=item)


if __name__ == "__main__":
    run(arguments("Write single items with aioboto3's batch_writer."), write)
