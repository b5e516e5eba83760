#!/usr/bin/env bash
# Runs the tests of convolution as a product of matrices where these are cooperative matrices: on Mesa's lavapipe of
# Debian 13's backports, which has them (8 by 8, in subgroups of eight). Its packages are unpacked beside the build, with
# the C library they need, and nothing is installed. Where they cannot be fetched, this says so and succeeds, but a test
# that fails is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

skip() {
    echo "SKIPPED: the tests did not run with cooperative matrices: $1"
    exit 0
}

[ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get dpkg >/dev/null || skip "their driver comes as Debian packages for x86-64"
mesa=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/mesa
libraries=$mesa/root/usr/lib/x86_64-linux-gnu

# Fetches a driver and all that it needs, the C library included, with a package database of its own.
unpack_driver() {
    local apt=$mesa/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite deb
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc} "$mesa/root"
    : >"$apt/status"
    for suite in trixie trixie-backports; do
        echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main"
    done >"$apt/sources.list"
    local options=(-q -o "Dir::Etc=$apt/etc" -o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::State=$apt/state"
        -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" -o "Debug::NoLocking=1" -o "APT::Sandbox::User=root")
    apt-get "${options[@]}" update &&
        apt-get "${options[@]}" install -y --download-only --no-install-recommends -t trixie-backports \
            libvulkan1 mesa-vulkan-drivers || return 1
    for deb in "$apt"/cache/archives/*.deb; do
        dpkg -x "$deb" "$mesa/root" || return 1
    done
    rm -r "$apt"
    touch "$mesa/complete"
}

need_linker
private_runtime_dir
if [ ! -e "$mesa/complete" ]; then
    rm -rf "$mesa"
    mkdir -p "$mesa"
    unpack_driver >"$mesa/log" 2>&1 || { tail -n 3 "$mesa/log" >&2; skip "the packages cannot be fetched"; }
fi
cat >"$mesa/icd.json" <<JSON
{"file_format_version": "1.0.0", "ICD": {"library_path": "$libraries/libvulkan_lvp.so", "api_version": "1.4.0"}}
JSON
export VK_DRIVER_FILES=$mesa/icd.json VK_ICD_FILENAMES=$mesa/icd.json WGPU_BACKEND=vulkan
# The driver needs a newer C library than Debian 12 has, so the tests run under the loader that came with it.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$libraries/ld-linux-x86-64.so.2 --library-path $libraries"
# Opening an adapter without cooperative matrices is an error of the tests then.
export WGPOOL_TEST_ADAPTER=software WGPOOL_TEST_COOPERATIVE=1
cargo test --release --test conv_gemm "$@"
