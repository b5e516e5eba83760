#!/usr/bin/env bash
# Runs every test. The tests need a Vulkan adapter; where there is none, Debian's and Ubuntu's software adapter
# is installed first. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The libraries that programs find by name.
libraries() {
    ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null
}

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

# Whether the library of a driver is where its description says.
is_loadable() {
    case "$1" in
        '') return 1 ;;
        /*) [ -e "$1" ] ;;
        # Not `grep -q`: it would leave early, and the broken pipe would count as a failure.
        *) libraries | grep -F "$1" >/dev/null ;;
    esac
}

install_adapter() {
    local sudo=()
    if ! command -v apt-get >/dev/null; then
        echo "scripts/test.sh: no Vulkan adapter, and no apt-get to install one with;" \
            "install a Vulkan driver (Mesa's lavapipe will do)" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "scripts/test.sh: no Vulkan adapter; run as root: apt-get install libvulkan1 mesa-vulkan-drivers" >&2
            exit 1
        fi
        sudo=(sudo)
    fi
    echo "scripts/test.sh: no Vulkan adapter: installing Mesa's software adapter (libvulkan1, mesa-vulkan-drivers)" >&2
    "${sudo[@]}" apt-get update -q
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        libvulkan1 mesa-vulkan-drivers </dev/null
}

# Someone who names the drivers gets these and no others: then nothing is installed.
if [ "$(uname -s)" = Linux ] && [ -z "${VK_DRIVER_FILES+set}" ] && [ -z "${VK_ICD_FILENAMES+set}" ]; then
    has_vulkan || install_adapter
fi

# Doc tests included: `cargo test` runs them last.
exec cargo test --release "$@"
