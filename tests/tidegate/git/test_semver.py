"""Version ranges over tags, as Helm reads them."""

import pytest

from tidegate.git.semver import is_range, newest

TAGS = [
    "v1.0.0",
    "v1.2.0",
    "v1.2.3",
    "v1.10.0",
    "v2.0.0-rc1",
    "2.0.0",
    "v2.1.0-rc.2",
    "v2.1.0-rc.10",
    "nightly",
    "0.2.3",
    "0.3.0",
    "0.0.3",
    "0.0.4",
]


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("1.2.*", "v1.2.3"),
        ("1.x", "v1.10.0"),
        ("*", "2.0.0"),
        (">=1.2.0 <2", "v1.10.0"),
        (">=1.2.0, <1.10.0", "v1.2.3"),
        ("^1.2", "v1.10.0"),
        ("~1.2", "v1.2.3"),
        ("^0.2.1", "0.2.3"),
        ("^0.0.3", "0.0.3"),
        (">2.0.0", None),
        (">2.0.0-0", "v2.1.0-rc.10"),
        ("1.2", "v1.2.3"),
        ("1.0.0 - 1.2", "v1.2.3"),
        ("<0.1 || 0.3", "0.3.0"),
        ("!=2.0.0", "v1.10.0"),
        (">=2.1.0-rc.1", "v2.1.0-rc.10"),
        ("^9", None),
    ],
)
def test_a_range_takes_the_newest_tag_within_it(written: str, tag: str | None) -> None:
    assert (is_range(written), newest(written, TAGS)) == (True, tag)


@pytest.mark.parametrize("written", ["main", "release-1.x", "v1.2.3", "1.2.3", "feature/1.x", "HEAD"])
def test_a_branch_or_one_version_is_no_range(written: str) -> None:
    assert not is_range(written)
