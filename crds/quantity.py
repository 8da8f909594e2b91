"""Resource quantities (`500m`, `1Gi`) in the form Go's resource.Quantity marshals them.

Where a text is already canonical enough for its fast path, Go keeps it as written (`1.500` stays `1.500`
while `0.500` becomes `500m`); that memory is part of the pod hash, so it is reproduced here.
Source: k8s.io/apimachinery v0.34.5, pkg/api/resource.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TEXT = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAMES = {power: name for name, power in _DECIMAL.items()}
_BINARY_NAMES = {power: name for name, power in _BINARY.items()} | {0: ""}
_INT64 = 2**63 - 1


class _Unit(NamedTuple):
    base: int
    power: int
    scientific: bool = False


def canonical(written: object) -> str | None:
    """The quantity as Go writes it, None where it is none."""
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        return None
    text = str(written).strip()
    parts = _TEXT.fullmatch(text) if text else None
    unit = _unit(parts[4]) if parts else None
    if parts is None or unit is None:
        return None
    whole, fraction = parts[2] or "0", parts[3] or ""
    fast = _fast(whole, fraction, unit)
    if fast and _kept(whole + fraction, unit.power - len(fraction), unit.base):
        return text
    if not fast and not re.search("[0-9]", text[: parts.start(4)]):
        return None
    number = _written(whole, fraction, unit)
    return f"-{number}" if parts[1] == "-" and number != "0" else number


def _unit(suffix: str) -> _Unit | None:
    if suffix in _DECIMAL:
        return _Unit(10, _DECIMAL[suffix])
    if suffix in _BINARY:
        return _Unit(2, _BINARY[suffix])
    if re.fullmatch(r"[eE][-+]?[0-9]+", suffix):
        return _Unit(10, int(suffix[1:]), scientific=True)
    return None


def _fast(whole: str, fraction: str, unit: _Unit) -> bool:
    """Whether Go reads the number into an int64; only there it reads no digits at all as 0."""
    if unit.base == 2:
        return not fraction and 15 - len(whole) - unit.power * 3 // 10 - 1 >= 0
    return len(whole + fraction) <= 18 and unit.power - len(fraction) >= -9


def _kept(digits: str, power: int, base: int) -> bool:
    """Whether Go, having read the number fast, keeps its text."""
    if base == 2:
        return int(digits) % 8 != 0
    return power % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _written(whole: str, fraction: str, unit: _Unit) -> str:
    binary = _binary(whole, fraction, unit.power) if unit.base == 2 else None
    return binary or _decimal(whole, fraction, unit)


def _binary(whole: str, fraction: str, power: int) -> str | None:
    """The number in powers of 1024, None where it is small or broken and reads better in decimals."""
    scaled, rest = divmod(int(whole + fraction) << power, 10 ** len(fraction))
    if scaled >= _INT64:
        scaled, rest = _INT64, 0
    if rest or scaled < 1024:
        return None
    thousands = 0
    while scaled % 1024 == 0:
        scaled, thousands = scaled // 1024, thousands + 10
    return f"{scaled}{_BINARY_NAMES[thousands]}"


def _decimal(whole: str, fraction: str, unit: _Unit) -> str:
    """The number in powers of 1000; less than a billionth is rounded up, away from zero."""
    digits, power = int(whole + fraction), unit.power - len(fraction)
    if unit.base == 2:
        digits, power = int(whole + fraction) << unit.power, -len(fraction)
    if digits == 0:
        return "0"
    digits, power = _rounded_up(digits, power)
    stripped = str(digits).rstrip("0")
    power += len(str(digits)) - len(stripped)
    digits, power = int(stripped) * 10 ** (power % 3), power - power % 3
    if unit.scientific:
        return f"{digits}e{power}" if power else str(digits)
    return f"{digits}{_DECIMAL_NAMES.get(power, '')}"


def _rounded_up(digits: int, power: int) -> tuple[int, int]:
    if power >= -9:
        return digits, power
    if -9 - power > len(str(digits)):
        return 1, -9
    return -(-digits // 10 ** (-9 - power)), -9
