#!/usr/bin/env bash
# Lets random histories of a whole archive go by on a disk that forgets, for HOURS, and stops at the first that goes wrong with its seed and
# the shortest history that goes wrong still. ANNALS_SEED=… ANNALS_TURNS=… Deploy/soak.sh 0 shows that one again.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -ne 1 ]; then
    echo "usage: Deploy/soak.sh HOURS" >&2
    exit 64
fi
ANNALS_SIMULATION_SECONDS=$(awk -v hours="$1" 'BEGIN { printf "%d", hours * 3600 }')
export ANNALS_SIMULATION_SECONDS
# So that sets are gone through in the same order when a seed is tried again.
export SWIFT_DETERMINISTIC_HASHING=1

Deploy/packages.sh test
swift build --build-tests --explicit-target-dependency-import-check error
swift test --skip-build --filter SimulationTests.SimulationTests/holdsItsPromises
