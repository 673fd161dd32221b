"""Which code a kernel calls: functions of one name, and the cache on disk when a text or an emitter is edited."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bitesim.foundation.compiled import kernel
from bitesim.foundation.fingerprints import fingerprint
from bitesim.numerics import elementary
from bitesim.numerics.elementary import exp
from bitesim.numerics.straight_line import straight_line

ROOT = Path(__file__).parents[2]


def test_two_functions_of_one_name_do_not_share_code():
    def rate(a):
        a[0] = 2.0 * a[0]

    first = straight_line(rate, (False,))

    def rate(a):
        a[0] = 3.0 * a[0]

    second, wide = straight_line(rate, (False,)), straight_line(rate, (True,))

    @kernel
    def all_three(a, b, c, d):
        first(a, 0)
        second(b, 0)
        wide(c, 0)
        first(d, 0)
        second(d, 0)

    arrays = [np.ones(1), np.ones(1), np.ones((1, 8)), np.ones(1)]
    all_three(*arrays)
    assert [each.ravel().tolist() for each in arrays] == [[2.0], [3.0], [3.0] * 8, [6.0]]


def exponential(a):
    a[0] = exp(a[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_EXP_TAYLOR", (1.0, 1.0)),
        ("_polynomial", lambda builder, width, x, coefficients: x),
        ("call", lambda *arguments: None),
        ("constant", lambda value, width: None),
    ],
)
def test_a_change_of_what_is_emitted_changes_the_fingerprint(name, value, monkeypatch):
    # The kernel cache is never stale: it must see how exp is made of instructions, not the text of the call alone.
    code = straight_line(exponential, (False,))

    @kernel
    def caller(a):
        code(a, 0)

    before = fingerprint(caller)
    monkeypatch.setattr(elementary, name, value)
    assert fingerprint(caller) != before


MAIN = """
import numpy as np
from bitesim.foundation.compiled import compile_report, kernel, prepare
from bitesim.numerics.straight_line import straight_line
from numba import types
import equations
code = straight_line(equations.rate, ({wide},))
@kernel
def caller(a):
    code(a, 0)
a = np.full(({wide} * 7 + 1), 3.0)
prepare(caller, types.void(types.float64[::1]))(a)
print(a[-1], compile_report()[0].origin)
"""


def session(folder, text, wide=False):
    """Run one fresh Python process; return what it prints."""
    (folder / "equations.py").write_text(text)
    (folder / "main.py").write_text(MAIN.format(wide=wide))
    path = f"{ROOT}{os.pathsep}{folder}"
    environment = {**os.environ, "BITESIM_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run(
        [sys.executable, str(folder / "main.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_edited_text_gives_the_new_value_in_a_fresh_process(tmp_path):
    text = "def rate(a):\n    a[0] = a[0] * 2.0\n"
    assert session(tmp_path, text) == "6.0 compiled"
    assert session(tmp_path, text) == "6.0 loaded"
    assert session(tmp_path, text.replace("2.0", "5.0")) == "15.0 compiled"
    assert session(tmp_path, text, wide=True) == "6.0 compiled"
    assert session(tmp_path, text) == "6.0 loaded"
