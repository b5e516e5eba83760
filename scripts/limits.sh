#!/usr/bin/env bash
# Runs tests on a device with small limits: what WebGPU's downlevel defaults promise, and storage bindings of 1 MiB. These
# can break how batches are divided and what is refused; with `all` every test file runs whose single images fit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
private_runtime_dir

downlevel=(binding corpus) small=(binding corpus)
case "${1:-}" in
    '') ;;
    all)
        downlevel+=(frame gpu_random keras_models mutants readback verify_formats)
        small+=(gpu_random mutants)
        ;;
    *)
        echo "usage: scripts/limits.sh [all]" >&2
        exit 2
        ;;
esac
WGPOOL_TEST_LIMITS=downlevel cargo test --release "${downlevel[@]/#/--test=}"
WGPOOL_TEST_LIMITS=1MiB cargo test --release "${small[@]/#/--test=}"
