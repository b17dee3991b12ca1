"""Objects: where a store of sessions puts what is too large for its own items or rows."""

from sessionful.stores.objects.files import Files
from sessionful.stores.objects.protocol import Objects
from sessionful.stores.objects.s3 import S3Objects

__all__ = ["Files", "Objects", "S3Objects"]
