#!/usr/bin/env bash
# Checks that the library builds with sets of its features, wgpool-net too, and for the browser. By itself: without any
# feature, with one back end, with `ndarray`, `serde` and `gradients` alone, and with all; with `all`, with each feature alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

case "${1:-}" in
    '' | all) ;;
    *)
        echo "usage: scripts/features.sh [all]" >&2
        exit 2
        ;;
esac

# The features of a package, a line each.
features_of() {
    awk '/^\[/ { inside = $0 == "[features]" } inside && /^[a-z0-9_-]+ *=/ { sub(/ *=.*/, ""); print }' "$1"
}

check() {
    echo "-- cargo check $*"
    cargo check --release --lib "$@"
}

need_linker
mapfile -t features < <(features_of Cargo.toml)
[[ " ${features[*]} " = *" default "* ]] || { echo "features.sh: no features are found in Cargo.toml" >&2; exit 1; }
[ "${1:-}" = all ] || features=(vulkan ndarray serde gradients)

check -p wgpool --no-default-features
for feature in "${features[@]}"; do
    check -p wgpool --no-default-features --features "$feature"
done
check -p wgpool --all-features
check -p wgpool-net --no-default-features
check -p wgpool-net --no-default-features --features training
if [ "${1:-}" = all ]; then
    for feature in $(features_of crates/wgpool-net/Cargo.toml); do
        check -p wgpool-net --no-default-features --features "$feature"
    done
fi

if wasm_toolchain; then
    echo "-- for wasm32-unknown-unknown"
    # The default features too: whoever leaves them on gets WebGPU there all the same.
    for crate in wgpool wgpool-net; do
        for features in "--no-default-features --features webgpu" ""; do
            echo "-- $crate $features"
            # shellcheck disable=SC2086
            "${wasm[@]}" check --release --lib -p "$crate" $features --target wasm32-unknown-unknown
        done
    done
else
    skip "the library for wasm32 (no standard library for it)"
fi
