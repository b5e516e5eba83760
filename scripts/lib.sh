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

# Says what a check left out. Scripts of many checks collect it (below); elsewhere it is a failure with CI_STRICT=1.
skip() {
    echo "SKIPPED: $1"
    if [ -n "${WGPOOL_SKIPPED:-}" ]; then
        echo "$1" >>"$WGPOOL_SKIPPED"
    else
        [ "${CI_STRICT:-}" != 1 ]
    fi
}

# From here on this script, and those that it runs, collect what is left out.
collect_skips() {
    begin=$SECONDS
    WGPOOL_SKIPPED=$(mktemp)
    export WGPOOL_SKIPPED
}

# Runs a command under a heading and says how long it took.
step() {
    local name=$1 start=$SECONDS
    shift
    echo "==> $name"
    "$@" || { echo "==> $name FAILED after $((SECONDS - start)) s" >&2; exit 1; }
    echo "==> $name: $((SECONDS - start)) s"
}

# Says how long all of it took and what was left out, which is a failure with CI_STRICT=1.
closing_line() {
    local skipped
    skipped=$(awk 'NR > 1 { printf "; " } { printf "%s", $0 }' "$WGPOOL_SKIPPED")
    rm "$WGPOOL_SKIPPED"
    echo "==> all of it: $((SECONDS - begin)) s; skipped: ${skipped:-nothing}"
    [ -z "$skipped" ] || [ "${CI_STRICT:-}" != 1 ]
}

# Where the machine's own apt configuration fetches this release of the distribution from, or the suite of it that the
# argument names (`-security`). Debian's archive key decides whether what comes from there is taken.
debian_mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")${1:-}
    # Not `head`: it would leave early, and the broken pipe would count as a failure.
    apt-get indextargets --no-release-info --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
        awk -v codename="$codename" '$1 == "Packages" && $3 == codename && $4 == "main" && !found { found = $2 }
            END { if (!found) exit 1; print found }'
}

# A line of apt's sources: the mirror and the suite.
debian_source() {
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 $2 main"
}

# unpack_packages FOLDER TARGET PACKAGE...: fetches packages and all that they need, the C library included, from what
# FOLDER/sources.list names, with a package database of its own, and unpacks them under FOLDER/root. Nothing is installed.
# TARGET is the suite to prefer, or empty.
unpack_packages() {
    local folder=$1 target=$2 apt=$1/apt deb
    shift 2
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc} "$folder/root"
    : >"$apt/status"
    local options=(-q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
        -o "Dir::Etc=$apt/etc" -o "Dir::Etc::SourceList=$folder/sources.list" -o "Debug::NoLocking=1" -o "APT::Sandbox::User=root")
    apt-get "${options[@]}" update &&
        apt-get "${options[@]}" install -y --download-only --no-install-recommends ${target:+-t "$target"} "$@" || return 1
    for deb in "$apt"/cache/archives/*.deb; do
        dpkg -x "$deb" "$folder/root" || return 1
    done
    rm -r "$apt"
    touch "$folder/complete"
}

# The folder for build outputs, made where it is missing.
target_folder() {
    mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd
}

# A cargo that knows wasm32-unknown-unknown, as the command `wasm`: the usual one where rustup has or brings its standard
# library; else Debian's, unpacked beside the build, which has the library's source alone. Fails where neither can be had.
wasm_toolchain() {
    local library folder root program mirror suite
    wasm=(cargo)
    library=$(rustc --print target-libdir --target wasm32-unknown-unknown)
    if [ "${WGPOOL_WASM:-}" != debian ]; then
        compgen -G "$library/libcore-*.rlib" >/dev/null && return
        rustup target add wasm32-unknown-unknown >/dev/null 2>&1 && return
    fi
    [ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get dpkg >/dev/null || return 1
    folder=$(target_folder)/rust-web
    root=$folder/root
    if [ ! -e "$folder/complete" ]; then
        rm -rf "$folder"
        mkdir -p "$folder/bin"
        for suite in '' -security; do
            mirror=$(debian_mirror "$suite") && debian_source "$mirror" "$(. /etc/os-release && echo "$VERSION_CODENAME$suite")"
        done >"$folder/sources.list"
        unpack_packages "$folder" '' rustc-web cargo-web rust-web-src >"$folder/log" 2>&1 || {
            tail -n 3 "$folder/log" >&2
            return 1
        }
        for program in rustc cargo; do
            # Only the program itself gets its libraries so.
            printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%q\nexec %q "$@"\n' \
                "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/$program" >"$folder/bin/$program"
            chmod +x "$folder/bin/$program"
        done
    fi
    # The standard library is checked too: RUSTC_BOOTSTRAP permits what else needs a nightly toolchain.
    wasm=(env RUSTC_BOOTSTRAP=1 "RUSTC=$folder/bin/rustc" CARGO_TARGET_DIR="$folder/target"
        "$folder/bin/cargo" -Zbuild-std=std,panic_abort)
}
