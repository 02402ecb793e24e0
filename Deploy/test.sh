#!/usr/bin/env bash
# Installs what the tests need and runs all of them: format, unit tests, release build, wire tests with real Redis clients,
# an import of the conversations in ../shared/data where that folder is, and the fuzzers, each for ANNALS_FUZZ_SECONDS (60).
# Goes on after a failure, and fails at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# A virtual environment with what the wire tests need from Python, made again when the list of it changes.
prepare_python() {
    local venv=.build-wire/venv wanted=Tests/Wire/requirements.txt
    if cmp -s "$wanted" "$venv/installed.txt" && "$venv/bin/python" -c 'import pytest, redis' 2>/dev/null; then return; fi
    echo "installing Python packages: $(paste -sd ' ' "$wanted")"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
}

failed_steps=()

# All of it may take an hour; a step that is not through by then is ended.
seconds_max=3540

# step NAME COMMAND …: runs a command in the time that is left, and remembers whether it failed.
step() {
    local name=$1 begin=$SECONDS code=0 left=$((seconds_max - SECONDS))
    shift
    printf '\n== %s\n' "$name"
    timeout --foreground --kill-after=20 "$((left > 1 ? left : 1))" "$@" || code=$?
    if [ "$code" -eq 0 ]; then
        printf '== %s: done in %d s\n' "$name" $((SECONDS - begin))
        return 0
    fi
    if [ "$code" -eq 124 ]; then echo "The hour is over."; fi
    printf '== %s: FAILED after %d s (exit code %d)\n' "$name" $((SECONDS - begin)) "$code"
    failed_steps+=("$name")
    return 1
}

# Fuzzes each target for ANNALS_FUZZ_SECONDS, or for as much of them as the hour leaves.
fuzz() {
    local wanted=${ANNALS_FUZZ_SECONDS:-60} targets=12 most
    # They take some minutes to build.
    if [ $((seconds_max - SECONDS)) -lt 700 ]; then
        printf '\nThe hour leaves no time for the fuzzers: Deploy/fuzz.sh\n'
        return
    fi
    step "fuzzer build" Deploy/fuzz.sh 0 || return 0
    most=$(((seconds_max - SECONDS - 90) * $(nproc) / targets))
    step "fuzzing" Deploy/fuzz.sh $((most < 1 ? 1 : most < wanted ? most : wanted)) || true
}

# Names each failed test with the first line of its failure, and adds up the runners' reports; a step that failed without a failed test
# in its report counts as one.
summarize() {
    python3 - "$reports" "${failed_steps[@]}" <<'PYTHON'
import pathlib
import sys
import xml.etree.ElementTree as xml

passed = failed = skipped = 0
explained = set()
for report, step in (("unit-swift-testing.xml", "unit tests"), ("unit.xml", "unit tests"), ("wire.xml", "wire tests"), ("faults.xml", "fault tests")):
    path = pathlib.Path(sys.argv[1], report)
    if not path.exists():
        continue
    for case in xml.parse(path).iter("testcase"):
        failures = case.findall("failure") + case.findall("error")
        if failures:
            failed += 1
            explained.add(step)
            said = (failures[0].get("message") or failures[0].text or "").strip().split("\n")[0]
            print(f"failed: {case.get('classname')}/{case.get('name')}: {said[:600]}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
unexplained = [step for step in sys.argv[2:] if step not in explained]
for step in sys.argv[2:]:
    print(f"failed: {step}")
print(f"{passed} passed, {failed + len(unexplained)} failed" + (f", {skipped} skipped" if skipped else ""))
PYTHON
}

Deploy/packages.sh test
prepare_python
reports=.build-wire/reports
rm -rf "$reports"
mkdir -p "$reports"

imports=(--explicit-target-dependency-import-check error)

step "format" swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks || true
if step "debug build" swift build --build-tests "${imports[@]}"; then
    step "unit tests" swift test --skip-build "${imports[@]}" --xunit-output "$reports/unit.xml" || true
    step "simulation" env SWIFT_DETERMINISTIC_HASHING=1 ANNALS_SIMULATION_SECONDS=120 \
        swift test --skip-build "${imports[@]}" --filter SimulationTests/holdsItsPromises || true
fi
if step "release build" swift build -c release --scratch-path .build-release; then
    if [ ! -d ../shared/data ]; then
        echo "../shared/data is not there: the imports of real conversations are skipped."
    fi
    step "wire tests" .build-wire/venv/bin/python -m pytest Tests/Wire --junitxml="$reports/wire.xml" || true
    step "fault tests" env ANNALS_SEED="${ANNALS_SEED:-20261127}" .build-wire/venv/bin/python -m pytest Tests/Faults --junitxml="$reports/faults.xml" || true
    # Last, and where the other packages are built already: what is ours is built there once more, to be watched.
    export ANNALS_FUZZ_BUILD=.build-release
    fuzz
fi

echo
summarize
[ ${#failed_steps[@]} -eq 0 ]
