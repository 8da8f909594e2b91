"""What can go wrong between us and an API server.

KubeError
├── Stranger             who answered is no API server: a proxy, or a login page
├── Unreachable          no answer came: the request may or may not have acted
│   └── Broken             a watch that stood has ended: whether the server still answers is not known
└── ApiError             the server answered with a metav1.Status
    ├── Unauthorized     401, our token or certificate is not taken
    ├── Forbidden        403, RBAC or an admission webhook
    ├── NotFound         404, the object, or its whole kind
    ├── Conflict         409, somebody wrote before us: look again
    │   └── AlreadyExists  409 on a create
    ├── Gone             410, the version to watch from is too old: list again
    ├── Unprocessable    422, `causes` name the fields; without causes a JSON Patch test failed
    ├── TooMany          429, come back after `retry_after` seconds
    └── ServerError      5xx
"""

from __future__ import annotations

from typing import Any

from tidegate.kube.http import Response


class KubeError(Exception):
    """Anything below."""


class Unreachable(KubeError):
    """No answer came: the request may or may not have acted."""


class Stranger(KubeError):
    """Who answered is no API server."""


class Broken(Unreachable):
    """A watch that stood has ended: whether the server still answers is not known."""


class ApiError(KubeError):
    """`code` and `reason` are the Status's; the exception's text is its message."""

    def __init__(self, response: Response) -> None:
        self.code = response.status
        self.reason = str(response.body.get("reason", ""))
        details = response.body.get("details")
        self.details: dict[str, Any] = details if isinstance(details, dict) else {}
        self.headers = response.headers
        said = response.body.get("message") or f"the API server answered {self.code} {self.reason}".strip()
        super().__init__(said)


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    @property
    def kind_missing(self) -> bool:
        """The server knows no such resource, as against: the object is not there."""
        return not self.details.get("name")


class Conflict(ApiError):
    pass


class AlreadyExists(Conflict):
    pass


class Gone(ApiError):
    pass


class Unprocessable(ApiError):
    @property
    def causes(self) -> tuple[tuple[str, str], ...]:
        """(field path, what is wrong with it), empty where a JSON Patch did not apply."""
        causes = self.details.get("causes") or ()
        return tuple((cause.get("field", ""), cause.get("message", "")) for cause in causes)


class TooMany(ApiError):
    @property
    def retry_after(self) -> float:
        """Seconds."""
        written = {k.lower(): v for k, v in self.headers.items()}.get("retry-after", "")
        return float(written) if written.isdigit() else float(self.details.get("retryAfterSeconds") or 1)


class ServerError(ApiError):
    pass


BY_CODE: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Unprocessable,
    429: TooMany,
}


def error(response: Response) -> ApiError:
    """The error a refused request means."""
    if response.status == 409 and response.body.get("reason") == "AlreadyExists":
        return AlreadyExists(response)
    fallback = ServerError if response.status >= 500 else ApiError
    return BY_CODE.get(response.status, fallback)(response)


def accepted(response: Response) -> dict[str, Any]:
    """The body of an answer that is not an error; raises ApiError otherwise."""
    if response.status >= 400:
        raise error(response)
    return response.body


def recognised(response: Response, server: str) -> Response:
    """The answer of an API server; Stranger where a success is not said as one says it, with a `kind`."""
    if response.status >= 400 or (response.status < 300 and response.body.get("kind")):
        return response
    words = f"does not answer as an API server does (HTTP {response.status})"
    said = " ".join(str(response.body.get("message", "")).split())[:80]
    raise Stranger(f"{server} {words}: {said}" if said else f"{server} {words}")


def happened(line: Any, server: str) -> dict[str, Any]:
    """The event that a line of a watch is; Stranger where it is none."""
    if isinstance(line, dict) and isinstance(line.get("type"), str) and isinstance(line.get("object"), dict):
        return line
    raise Stranger(f"{server} does not answer a watch as an API server does")


def for_good(problem: KubeError) -> bool:
    """Whether the same request will be refused again until somebody edits something."""
    passing = isinstance(problem, TooMany | ServerError | Unauthorized) or look_again(problem)
    return isinstance(problem, ApiError) and not passing


def look_again(problem: KubeError) -> bool:
    """Whether the world moved under the request: nothing is wrong but what we had read."""
    return isinstance(problem, Conflict) or (isinstance(problem, Unprocessable) and not problem.causes)
