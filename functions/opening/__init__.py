"""What stands behind a door before its first request: environment, secrets, service, and whose requests it takes."""
