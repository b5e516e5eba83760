#!/usr/bin/env bash
# The long form of `.ci/run`: every test on every adapter, every set of features, long runs of the soak and fuzz tests, and
# Miri. Takes hours. What the machine lacks is left out and said in the last line; with CI_STRICT=1 that is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
. scripts/lib.sh
private_runtime_dir
collect_skips

soak() {
    WGPOOL_SOAK=1 cargo test --release --test soak
}

random() {
    WGPOOL_RANDOM=1 cargo test --release --test gpu_random --test winograd
}

fuzz() {
    WGPOOL_FUZZ=200000 cargo test --release --test fuzz
}

# Keras' curves at 224 pixels: its weights and curves are not in the repository.
training() {
    if [ -z "${WGPOOL_TRAINING:-}" ]; then
        skip "training at 224 pixels (WGPOOL_TRAINING names the folder with the curves)"
        return
    fi
    cargo test --release -p wgpool-net --test training -- --ignored --exact curves::long
}

# The memory of a thousand steps, alone in its process.
growth() {
    cargo test --release -p wgpool-net --test training -- --ignored --exact growth::long
}

# Keras loads what is written, and predicts the same.
keras() {
    if ! "${WGPOOL_KERAS:-python3}" -c "import keras, safetensors" >/dev/null 2>&1; then
        skip "Keras reads what is written (WGPOOL_KERAS names a Python that has keras and safetensors)"
        return
    fi
    WGPOOL_KERAS="${WGPOOL_KERAS:-python3}" cargo test --release -p wgpool-net --test keras_write -- --ignored
}

# Geometry, which has the arithmetic of indices, without a GPU.
miri() {
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        skip "Miri (it comes with a nightly toolchain: rustup component add --toolchain nightly miri)"
        return
    fi
    PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation \
        cargo +nightly miri test -p wgpool --no-default-features --test geometry --lib
}

step "tests" scripts/test.sh
step "tests on llvmpipe through OpenGL" scripts/adapters.sh gl all
step "tests on SwiftShader" scripts/adapters.sh swiftshader all
step "tests with cooperative matrices" scripts/cooperative.sh
step "tests on small limits" scripts/limits.sh all
step "every set of features" scripts/features.sh all
step "packages" scripts/package.sh each
step "compilers of drivers and browsers" scripts/compilers.sh
step "all random cases" random
step "soak" soak
step "fuzz" fuzz
step "training" training
step "memory of training" growth
step "Keras" keras
step "fuzz in little memory" scripts/fuzz_memory.sh
step "Miri" miri
closing_line
