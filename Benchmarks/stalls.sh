#!/usr/bin/env bash
# The latency of appends under a steady load while a partition of many messages is planned, purged and compacted; prints a table.
# Builds annalsd where it is missing. Options: Benchmarks/stalls.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

Deploy/packages.sh build sample
if [ -z "${ANNALSD-}" ]; then
    swift build -c release --scratch-path .build-release --product annalsd >&2
    export ANNALSD="$PWD/.build-release/release/annalsd"
fi
exec python3 Benchmarks/stalls.py "$@"
