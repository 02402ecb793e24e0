#!/usr/bin/env bash
# Verification beside a plain scan of the same tables, questions as of a moment beside present ones, proofs and checkpoints; prints tables.
# Builds annalsd and annals where they are missing. Options: Benchmarks/audit.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

Deploy/packages.sh build sample
if [ -z "${ANNALSD-}" ]; then
    swift build -c release --scratch-path .build-release --product annalsd >&2
    export ANNALSD="$PWD/.build-release/release/annalsd"
fi
if [ -z "${ANNALS-}" ]; then
    swift build -c release --scratch-path .build-release --product annals >&2
    export ANNALS="$PWD/.build-release/release/annals"
fi
exec python3 Benchmarks/audit.py "$@"
