"""First calls in fresh processes."""

from benchmarks.first_call import environment, first_call, section


def test_a_fresh_process_reports_its_times(tmp_path):
    found = first_call("pass", tmp_path / "kernels", tmp_path / "bytecode")
    assert found["kernels"] == []
    assert found["import_numba_s"] > 0.0
    assert found["import_bitesim_s"] > 0.0
    assert 0.0 <= found["call_s"] < 1.0


def test_processes_keep_bytecode(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    kept = environment(tmp_path / "kernels", tmp_path / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in kept
    assert kept["BITESIM_CACHE_DIR"] == str(tmp_path / "kernels")


def test_goals_name_the_slowest_kernel():
    row = {
        "call": "simulate", "cold_s": 20.0, "cached_import_numba_s": 0.3, "cached_import_bitesim_s": 0.2,
        "cached_call_s": 1.4, "cached_beyond_numba_s": 1.6,
        "kernels_compiled": [["large", 16.0, "compiled"], ["small", 0.1, "compiled"]], "kernels_not_cached": ["small"],
    }  # fmt: skip
    made = section({"repeats": 3, "rows": [row]})
    assert [goal.is_met for goal in made.goals] == [False, False, True]
    assert made.goals[0].measured == "slowest: large, 16.0 s"
    assert made.notes == ["compiled again with a filled cache: small"]
