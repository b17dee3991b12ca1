"""The door behind the Function URL: every route, streams above all (ASGI under the Lambda Web Adapter)."""

from functions.observability import Observed
from functions.opening.callers import url_owner
from functions.opening.environment import Access
from functions.opening.service import configuration, open_service
from functions.web.frozen import Deadline, Resting
from sessionful.surfaces.http.app import create_app

_access = Access.read()
_service = open_service(models=True, lingers=False)

app = Observed(
    Deadline(
        Resting(
            # Nothing in front tells browsers which pages may ask: the URL itself is set up without CORS.
            create_app(
                _service,
                owner=url_owner(_access, configuration(models=True).auth),
                origins=_access.origins,
            ),
            _service,
        )
    )
)
