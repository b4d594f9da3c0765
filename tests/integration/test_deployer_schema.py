"""S2-01, S2-02: requests that nobody thought of, made from the description of the API, against what it promises."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from asking import Asked, asked

pytestmark = pytest.mark.integration


def _open() -> Asked:
    """One whose desk takes every folder."""
    here = asked(sources="/srv")
    here.desk.sources = ""
    return here


HERE = _open()
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", HERE.app)
SCHEMA.config.generation.update(allow_extra_parameters=False)  # a header that nobody knows is nothing wrong


@SCHEMA.auth()
class Ann:
    """She may do everything; that nobody else may is tried too."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        """Her token."""
        return HERE.words["ann"]

    def set(self, case: schemathesis.Case, data: str, context: schemathesis.AuthContext) -> None:
        """In its header."""
        case.headers["authorization"] = f"Bearer {data}"


@SCHEMA.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_promises(case: schemathesis.Case) -> None:
    """No answer is of a code, a kind or a form that the description does not have; nothing that is wrong is taken."""
    # A page after a job that there is not is 400, which no schema can say.
    unsaid = [positive_data_acceptance] if (case.query or {}).get("before") else []
    case.call_and_validate(excluded_checks=unsaid)
