"""The control plane: session, credentials, address, DescribeTable, CreateTable. All of it through aioboto3."""
