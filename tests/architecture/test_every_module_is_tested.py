"""Every module of the package has its test file, in the mirrored folder."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Modules without a test file of their own, and what tests them instead. A folder stands for all in it.
TESTED_ELSEWHERE = {
    "__main__.py": "two lines; .ci/run starts the package through it",
    "cli": "tests/cli/test_commands.py runs the commands as a user types them, tests/cli/test_scenario.py the files",
    "datasets": "tests/datasets/test_datasets.py compares all of them with their sources",
    "derivation/traced.py": "tests/derivation/test_symbols.py traces with it, and shows what it refuses",
    "engines/agents": "one engine in one folder: tests/engines/agents, cell by cell against plain Python; tests/niche",
    "engines/cohort_plan.py": "tests/engines/test_cohort_input.py shows what it refuses, test_cohort.py what it makes",
    "engines/sensitivity_result.py": "tests/engines/test_sensitivities.py",
    "leukaemia": "one model in one folder: tests/leukaemia",
    "model/rate_of_change.py": "its kernels are the models': tests/published, tests/model/test_definition.py",
    "model/readouts.py": "rows only; tests/foundation/test_units.py and tests/published read them",
    "niche/body.py": "tests/niche/test_run.py",
    "niche/pictures.py": "tests/niche/test_run.py, tests/plots/test_niche.py",
    "niche/rates.py": "tests/niche/test_run.py; the mechanisms it calls have tests of their own",
    "niche/result.py": "tests/niche/test_run.py",
    "niche/simulation.py": "tests/niche/test_run.py",
    "numerics/crowd.py": "records only; tests/numerics/test_integrate_many.py fills and reads them",
    "numerics/outcomes.py": "codes and sentences only; tests/numerics/test_integrate_one.py meets them",
    "numerics/pieces.py": "records only; tests/numerics/test_integrate_one.py and test_integrate_many.py fill and read them",
    "numerics/tangents.py": "tests/engines/test_sensitivities.py compares it with closed forms and variational equations",
    "plots": "tests/plots/test_plots.py",
    "population/sensitivities.py": "tests/engines/test_sensitivities.py calls it",
    "published/clements_2020": "one model in one folder: tests/published/test_clements_2020.py, tests/derivation",
    "published/hosseini_2020": "one model in one folder: tests/published/test_hosseini_2020.py",
}


def modules() -> list[str]:
    package = ROOT / "bitesim"
    names = [path.relative_to(package).as_posix() for path in sorted(package.rglob("*.py"))]
    return [name for name in names if not name.endswith("__init__.py") and name != "version.py"]


def is_excused(name: str) -> bool:
    return any(name == excused or name.startswith(f"{excused}/") for excused in TESTED_ELSEWHERE)


def test_every_module_has_a_test_file() -> None:
    def mirrored(name: str) -> Path:
        return ROOT / "tests" / Path(name).parent / f"test_{Path(name).name}"

    missing = [name for name in modules() if not is_excused(name) and not mirrored(name).exists()]
    assert missing == [], "write tests/<folder>/test_<name>.py for each"


def test_every_exception_is_still_needed() -> None:
    unused = [
        excused
        for excused in TESTED_ELSEWHERE
        if not any(name == excused or name.startswith(f"{excused}/") for name in modules())
    ]
    assert unused == []
