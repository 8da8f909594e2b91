"""The recorded answers are those of the API server we have: asked again on the lab (needs KUBECONFIG)."""

import pytest

from tests.contracts import record
from tests.contracts.play import recorded


@pytest.mark.lab
def test_the_real_api_server_still_answers_as_recorded() -> None:
    different = [case.name for case, text in record.answers() if text != recorded(case).read_text()]
    assert different == [], "run `python -m tests.contracts.record` on the lab and look at the difference"
