#!/usr/bin/env bash
# Runs every test. The tests need a linker and a Vulkan adapter; where there is none, Debian's and Ubuntu's compiler
# and software adapter are installed first. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

# Whether a Vulkan loader and a driver it can load are there. The tests themselves say whether it works.
has_vulkan() {
    local folder icd driver
    is_loadable libvulkan.so.1 || return 1
    for folder in /usr/share/vulkan/icd.d /etc/vulkan/icd.d; do
        for icd in "$folder"/*.json; do
            [ -f "$icd" ] || continue
            # Software adapters need no hardware; any other driver counts only with a device to drive.
            driver=$(sed -n 's/.*"library_path"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$icd")
            case "$driver" in
                *lvp* | *swiftshader*) is_loadable "$driver" && return 0 ;;
                *) [ -e /dev/dri/renderD128 ] || [ -e /dev/nvidiactl ] || continue
                   is_loadable "$driver" && return 0 ;;
            esac
        done
    done
    return 1
}

need_linker
# Someone who names the drivers gets these and no others: then nothing is installed.
if [ "$(uname -s)" = Linux ] && [ -z "${VK_DRIVER_FILES+set}" ] && [ -z "${VK_ICD_FILENAMES+set}" ]; then
    has_vulkan || install_packages "no Vulkan adapter (Mesa's software adapter will do)" \
        libvulkan1 mesa-vulkan-drivers
fi
private_runtime_dir

# Doc tests included: `cargo test` runs them last.
cargo test --release "$@"
