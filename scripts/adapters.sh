#!/usr/bin/env bash
# Runs the tests that use a GPU on a further software adapter: `gl` is Mesa's llvmpipe through OpenGL and EGL,
# `swiftshader` is Google's SwiftShader through Vulkan. Debian's packages are installed where they are missing; where
# they cannot be, this says so and succeeds, but a test that fails is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

leave_out() {
    skip "tests on $1 ($2)"
    exit
}

# Whether the program finds the adapter: passing on another one would prove nothing.
has_adapter() {
    local found
    found=$(cargo run --release --quiet -- adapters) || exit 1
    grep -F "$adapter" <<<"$found"
}

case "${1:-} ${2:-}" in
    'gl ' | 'gl all')
        # What another translator of shaders and another kind of binding can break.
        tests=(binding corpus gpu_random mutants)
        adapter=llvmpipe packages=(libegl1 libgl1-mesa-dri)
        # One test at a time: wgpu's OpenGL context belongs to one thread at a time, and wgpu panics in a thread that has
        # waited for it for seconds, as it may while a large model runs in software.
        export RUST_TEST_THREADS=1
        # An OpenGL driver of hardware would otherwise come first.
        export WGPU_BACKEND=gl LIBGL_ALWAYS_SOFTWARE=1 WGPOOL_TEST_ADAPTER=software
        ;;
    'swiftshader ' | 'swiftshader all')
        # What another compiler and the letter of the specification can break.
        tests=(corpus gpu_random)
        # It comes with Debian's browser.
        adapter=SwiftShader packages=(libvulkan1 chromium)
        icd=/usr/lib/chromium/vk_swiftshader_icd.json
        # Old Vulkan loaders know the second name alone.
        export WGPU_BACKEND=vulkan WGPOOL_TEST_ADAPTER=SwiftShader VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd
        ;;
    *)
        echo "usage: scripts/adapters.sh gl|swiftshader [all]" >&2
        exit 2
        ;;
esac
if [ "$(uname -s)" != Linux ]; then
    leave_out "$adapter" "its packages are Debian's"
fi
need_linker
private_runtime_dir
if ! has_adapter; then
    install_packages "no $adapter" "${packages[@]}" || leave_out "$adapter" "${packages[*]} cannot be installed"
    has_adapter || leave_out "$adapter" "${packages[*]} of this system do not bring it"
fi

# The test files, and folders of them, that run on the adapter that WGPOOL_TEST_ADAPTER names; not the wrong kernels of
# `conv_gemm`, `extremes` and `patch`, some of which these drivers take minutes to build.
every_test() {
    local file
    for file in $(grep -lw 'engine()' tests/*.rs tests/*/*.rs crates/*/tests/*.rs | sed -E 's|^.*tests/([^/.]+).*|\1|' | sort -u); do
        case $file in conv_gemm | extremes | patch | support) ;; *) echo "$file" ;; esac
    done
}

[ "${2:-}" != all ] || mapfile -t tests < <(every_test)
cargo test --release "${tests[@]/#/--test=}"
