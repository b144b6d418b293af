"""The embedded DynamoDB behind `--local`: ministack as a child process, its tables kept in the user's data folder."""
