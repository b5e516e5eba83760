#!/usr/bin/env bash
# Runs the tests on a device with small limits: what WebGPU's downlevel defaults promise, and storage bindings of 1 MiB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
private_runtime_dir

# Every test file that runs shaders.
WGPOOL_TEST_LIMITS=downlevel cargo test --release --test binding --test corpus --test frame --test gpu_random \
    --test keras_models --test mutants --test readback --test verify_formats
# Single images of the others are larger than such a binding.
WGPOOL_TEST_LIMITS=1MiB cargo test --release --test binding --test corpus --test gpu_random --test mutants
