#!/usr/bin/env bash
# Runs the tests that use a GPU on a further software adapter: `gl` is Mesa's llvmpipe through OpenGL and EGL,
# `swiftshader` is Google's SwiftShader through Vulkan. Debian's packages are installed where they are missing; where
# they cannot be, this says so and succeeds, but a test that fails is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

# Test files that run shaders. Those that are not there yet are left out.
files=(binding corpus gpu_random keras_models mutants)
# Where Debian's browser keeps SwiftShader's description.
swiftshader=/usr/lib/chromium/vk_swiftshader_icd.json

skip() {
    echo "SKIPPED: the tests did not run on $1: $2"
    exit 0
}

if [ "$(uname -s)" != Linux ]; then
    skip "${1:-a further adapter}" "its packages are Debian's"
fi
case "${1:-}" in
    gl)
        is_loadable libEGL.so.1 && is_loadable libEGL_mesa.so.0 ||
            install_packages "no EGL" libegl1 libgl1-mesa-dri libgles2 ||
            skip "llvmpipe" "its packages (libegl1, libgl1-mesa-dri, libgles2) cannot be installed"
        # An OpenGL driver of hardware would otherwise come first.
        adapter=llvmpipe
        export WGPU_BACKEND=gl LIBGL_ALWAYS_SOFTWARE=1 WGPOOL_TEST_ADAPTER=software
        ;;
    swiftshader)
        is_loadable libvulkan.so.1 && [ -f "$swiftshader" ] ||
            install_packages "no SwiftShader (it comes with Debian's browser)" libvulkan1 chromium ||
            skip "SwiftShader" "its packages (libvulkan1, chromium) cannot be installed"
        # Ubuntu's package of this name installs no browser of its own.
        [ -f "$swiftshader" ] || skip "SwiftShader" "the package chromium of this system does not bring it"
        adapter=SwiftShader
        export WGPU_BACKEND=vulkan VK_DRIVER_FILES=$swiftshader WGPOOL_TEST_ADAPTER=SwiftShader
        # Loaders before 1.3.207 know the older name alone.
        export VK_ICD_FILENAMES=$swiftshader
        ;;
    *)
        echo "usage: scripts/adapters.sh gl|swiftshader" >&2
        exit 2
        ;;
esac
need_linker
private_runtime_dir

# Passing on another adapter than this would prove nothing.
found=$(cargo run --release --quiet -- adapters)
echo "$found"
grep -F "$adapter" <<<"$found" >/dev/null || {
    echo "adapters.sh: there is no $adapter among the adapters" >&2
    exit 1
}

tests=()
for file in "${files[@]}"; do
    if [ -f "tests/$file.rs" ]; then
        tests+=(--test "$file")
    fi
done
cargo test --release "${tests[@]}"
