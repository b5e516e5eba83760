#!/usr/bin/env bash
# Gives every shader to compilers that users' drivers and browsers have, without a GPU: FXC and DXC, which Windows programs
# are built with on Direct3D 12, under Wine, and Dawn, which Chromium has, in Node. A shader that a compiler refuses, or
# that FXC takes too long over, is a failure. Takes some minutes; `scripts/compilers.sh fxc` runs one of them. With
# `--activations` each kernel has every activation, not the longest alone.
#
# The compilers come from npm's package `webgpu`, Wine, a C compiler for Windows and npm from Debian's or Ubuntu's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

compilers=() options=()
for argument in "$@"; do
    case $argument in
        fxc | dxc | dawn) compilers+=("$argument") ;;
        --activations) options+=("$argument") ;;
        *)
            echo "usage: scripts/compilers.sh [fxc] [dxc] [dawn] [--activations]" >&2
            exit 2
            ;;
    esac
done
if [ ${#compilers[@]} -eq 0 ]; then
    compilers=(fxc dxc dawn)
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "compilers.sh: its packages are for Linux on x86-64" >&2
    exit 2
fi

# What is brought and built stays beside the build.
work=$(mkdir -p "${CARGO_TARGET_DIR:-target}/compilers" && cd "${CARGO_TARGET_DIR:-target}/compilers" && pwd)

need() {
    local missing=() command
    # A command, and Debian's package that brings it.
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || missing+=("$2")
        shift 2
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "compilers run in these" "${missing[@]}"
}

need_linker
need wine wine x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32 npm npm
mkdir -p "$work/npm"
cp scripts/compilers/package.json scripts/compilers/package-lock.json scripts/compilers/dawn.mjs "$work/npm/"
if ! cmp -s "$work/npm/package-lock.json" "$work/npm/installed"; then
    (cd "$work/npm" && npm ci --ignore-scripts --no-audit --no-fund </dev/null)
    cp "$work/npm/package-lock.json" "$work/npm/installed"
fi

# With the versions that the library is built with.
cp Cargo.lock scripts/compilers/Cargo.lock
CARGO_TARGET_DIR=$work/cargo cargo build --quiet --manifest-path scripts/compilers/Cargo.toml
program=$work/cargo/debug/wgpool-compilers

# A Windows of its own, which asks for nothing and says nothing.
export WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=;d3dcompiler_47=n"
if [ "${compilers[*]}" != dawn ]; then
    [ -d "$WINEPREFIX" ] || wineboot --init >/dev/null 2>&1
    x86_64-w64-mingw32-gcc -O2 -Wall -Wextra -o "$work/windows.exe" scripts/compilers/windows.c
fi
windows() {
    local compiler=$1 library=$work/npm/node_modules/webgpu/dist/win32-x64/$2
    rm -rf "${work:?}/$compiler"
    "$program" "$compiler" "$work/windows.exe" "$library" "$work/$compiler" "${options[@]}"
}

failed=()
for compiler in "${compilers[@]}"; do
    case $compiler in
        fxc) windows fxc d3dcompiler_47.dll ;;
        dxc) windows dxc dxcompiler.dll ;;
        dawn)
            "$program" browser "$work/browser.json" "${options[@]}" &&
                (cd "$work/npm" && node_modules/.bin/node dawn.mjs "$work/browser.json")
            ;;
    esac || failed+=("$compiler")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "compilers.sh: FAILED: ${failed[*]}; the HLSL is in $work" >&2
    exit 1
fi
echo "compilers.sh: every shader was built"
