"""What an operator writes on the command line, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.runtime.settings import settings


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--metrics-port 99999", "'99999' is no port; write a number up to 65535"),
        ("--healthz-port=-5", "'-5' is no port"),
        ("--git-webhook-port web", "'web' is no port"),
        ("--workers 0", "'0' is no number of workers; write 1 or more"),
        ("--webhook-certificate /nowhere", "No such file or directory; name PEM files"),
    ],
)
def test_a_flag_that_cannot_be_followed_is_named_with_what_to_write(
    flags: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(flags.split(), {})
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


def test_a_certificate_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tls.crt").write_text("no PEM")
    with pytest.raises(SystemExit):
        settings(["--webhook-certificate", str(tmp_path / "tls.crt")], {})
    assert "--webhook-certificate and --webhook-key: " in capsys.readouterr().err
