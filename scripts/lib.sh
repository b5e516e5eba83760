# What the scripts share; sourced, never run. Messages begin with the name of the script that sources it.

# Debian and Ubuntu packages: says what for, and installs them. Fails where it cannot.
install_packages() {
    local what_for=$1 script=${0##*/} sudo=()
    shift
    if ! command -v apt-get >/dev/null; then
        echo "$script: $what_for, and there is no apt-get to install it with ($*)" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "$script: $what_for; run as root: apt-get install $*" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "$script: $what_for: installing $*" >&2
    "${sudo[@]}" apt-get update -q </dev/null &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null
}

# The libraries that programs find by name.
libraries() {
    ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null
}

# Whether the library of this name or path is there.
is_loadable() {
    case "$1" in
        '') return 1 ;;
        /*) [ -e "$1" ] ;;
        # Not `grep -q`: it would leave early, and the broken pipe would count as a failure.
        *) libraries | grep -F "$1" >/dev/null ;;
    esac
}

# Mesa complains on stderr where no desktop session has made this folder.
private_runtime_dir() {
    if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
        XDG_RUNTIME_DIR=$(mktemp -d)
        export XDG_RUNTIME_DIR
        trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
    fi
}

# Rust links with the C compiler, which a bare Debian lacks.
need_linker() {
    if [ "$(uname -s)" = Linux ] && ! command -v cc >/dev/null; then
        install_packages "no C compiler, which Rust links with" gcc libc6-dev
    fi
}
