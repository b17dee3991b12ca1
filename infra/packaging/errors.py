"""What keeps a deployment from being packaged."""


class PackagingError(Exception):
    """`str()` is a message for whoever deploys, without a traceback."""


class IndexUnreachable(PackagingError):
    """The package index did not answer."""
