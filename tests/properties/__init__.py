"""Properties of the pure core, held against independent oracles: csv, boto3, botocore, and the service's size rules."""
