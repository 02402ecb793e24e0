#!/usr/bin/env bash
# sanitize.sh [address|thread [SUITES]]: builds the tests with a sanitizer and runs them; SUITES is a regular expression of their names.
# Without an argument: both, one after the other. What the thread sanitizer is told to pass by has its reasons in Deploy/thread.supp.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitize() {
    local sanitizer=$1 suites=${2:-.} folder=.build-$1 code=0
    swift build --build-tests --sanitize="$sanitizer" --scratch-path "$folder"
    # Leaks are not looked for: what a test has at its end goes with its process.
    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1 \
        TSAN_OPTIONS="suppressions=$PWD/Deploy/thread.supp:halt_on_error=0:second_deadlock_stack=1:exitcode=66" \
        swift test --skip-build --sanitize="$sanitizer" --scratch-path "$folder" --filter "$suites" || code=$?
    return "$code"
}

case ${1:-both} in
both) sanitize address && sanitize thread ;;
address | thread) sanitize "$1" "${2:-.}" ;;
*)
    echo "Say address or thread, and perhaps which suites."
    exit 2
    ;;
esac
