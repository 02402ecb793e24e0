#!/usr/bin/env bash
# Appends, memory, questions, starts, rebuild and bytes on the disk as the store grows, and beside Redis and PostgreSQL; prints tables.
# Installs what is missing and builds annalsd where it is missing. Options: Benchmarks/grow.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

Deploy/packages.sh benchmark
if [ -z "${ANNALSD-}" ]; then
    swift build -c release --scratch-path .build-release --product annalsd >&2
    export ANNALSD="$PWD/.build-release/release/annalsd"
fi
exec python3 Benchmarks/grow.py "$@"
