#!/usr/bin/env bash
# Runs the tests of convolution as a product of matrices where these are cooperative matrices: on Mesa's lavapipe of
# Debian 13's backports, which has them (8 by 8, in subgroups of eight). Its packages are unpacked beside the build, with
# the C library they need, and nothing is installed. Where they cannot be fetched, this says so and succeeds, but a test
# that fails is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

leave_out() {
    skip "tests with cooperative matrices ($1)"
    exit
}

[ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get dpkg >/dev/null ||
    leave_out "their driver comes as Debian packages for x86-64"
mesa=$(target_folder)/mesa
libraries=$mesa/root/usr/lib/x86_64-linux-gnu

# Fetches the driver from the mirror that this machine fetches its own packages from.
unpack_driver() {
    local mirror suite
    mirror=$(debian_mirror) || { echo "apt names no mirror of this release"; return 1; }
    for suite in trixie trixie-backports; do
        debian_source "$mirror" "$suite"
    done >"$mesa/sources.list"
    unpack_packages "$mesa" trixie-backports libvulkan1 mesa-vulkan-drivers
}

need_linker
private_runtime_dir
if [ ! -e "$mesa/complete" ]; then
    rm -rf "$mesa"
    mkdir -p "$mesa"
    unpack_driver >"$mesa/log" 2>&1 || { tail -n 3 "$mesa/log" >&2; leave_out "the packages cannot be fetched"; }
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
