#!/usr/bin/env bash
# Annals, Redis, PostgreSQL and LMDB alone under the same load, in turn, in one run; prints a table with the ratios.
# Installs the others from the system's packages and builds annalsd where they are missing. Options: Benchmarks/compare.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

Deploy/packages.sh benchmark
if [ -z "${ANNALSD-}" ]; then
    swift build -c release --scratch-path .build-release --product annalsd >&2
    export ANNALSD="$PWD/.build-release/release/annalsd"
fi
exec python3 Benchmarks/compare.py "$@"
