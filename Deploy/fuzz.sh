#!/usr/bin/env bash
# fuzz.sh [SECONDS [TARGET…]]: libFuzzer over the decoders, each target for so many seconds (60), as many at a time as there are cores.
# Of 0 seconds it only builds.
# Prints a line for each: how many inputs it ran, how many edges of the code they reached, and whether something was found. Inputs that
# are worth keeping are in Tests/Fuzz/Corpus; those that break a promise are kept in .build-fuzz/findings, and the script fails.
#   ANNALS_FUZZ_MERGE=1        afterwards puts what was learned into Tests/Fuzz/Corpus, as few inputs as reach the same
#   ANNALS_FUZZ_BUILD=FOLDER   builds elsewhere than in .build-fuzz: where other packages are built for release, they need not be again
# What one input does: .build-fuzz/release/Fuzz --target=TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(requests replies commands events texts journal keyring escrow notes tombstones rows pages)

# libFuzzer's library without a main, beside the compiler; empty where there is none.
fuzzer_library() {
    local compiler
    compiler=$(readlink -f "$(command -v swiftc)")
    find "$(dirname "$compiler")/../lib/clang" -name "libclang_rt.fuzzer_no_main-$(uname -m).a" 2>/dev/null | head -n 1
}

library=$(fuzzer_library)
if [ -z "$library" ]; then
    echo "This toolchain has no libFuzzer: nothing is fuzzed."
    exit 0
fi
build=${ANNALS_FUZZ_BUILD:-.build-fuzz}
ANNALS_FUZZER=$(readlink -f "$library") swift build -c release --product Fuzz --scratch-path "$build"
if [ "$seconds" -eq 0 ]; then exit 0; fi

fuzz=$build/release/Fuzz
# Files that decoders are given lie in memory where the system has a place for that.
room=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/annals-fuzz-XXXXXX")
trap 'rm -rf "$room"' EXIT
findings=.build-fuzz/findings
mkdir -p "$findings" .build-fuzz/logs
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 SWIFT_BACKTRACE=enable=no

# run TARGET: fuzzes one target, and prints its line.
run() {
    local target=$1 log=.build-fuzz/logs/$1.log code=0
    local learned=$room/$target corpus=Tests/Fuzz/Corpus/$target
    mkdir -p "$learned" "$room/$target.files" "$corpus"
    TMPDIR=$room/$target.files "$fuzz" "--target=$target" "$learned" "$corpus" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 \
        -max_len=4096 -print_final_stats=1 -artifact_prefix="$findings/$target-" >"$log" 2>&1 || code=$?
    local runs edges
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    printf '%-11s %10s runs in %s s, %5s edges, %s\n' "$target" "${runs:-0}" "$seconds" "${edges:-0}" \
        "$([ "$code" -eq 0 ] && echo "nothing found" || echo "FOUND: see $log")"
    if [ "$code" -ne 0 ]; then
        grep -aE 'broken promise|ERROR:|SUMMARY:|Test unit written' "$log" | cut -c1-400 || true
        return 1
    fi
    if [ -n "${ANNALS_FUZZ_MERGE:-}" ]; then merge "$target" "$learned" "$corpus"; fi
}

# merge TARGET LEARNED CORPUS: makes the corpus anew of as few inputs as reach what both reach.
merge() {
    local made=$room/$1.merged
    mkdir -p "$made"
    TMPDIR=$room/$1.files "$fuzz" "--target=$1" -merge=1 -max_len=4096 "$made" "$3" "$2" >>.build-fuzz/logs/"$1".log 2>&1
    rm -rf "$3"
    mv "$made" "$3"
}

failed=0
running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$(nproc)" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run "$target" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
