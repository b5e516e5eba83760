#!/usr/bin/env bash
# Packages every crate, unpacks the packages into a folder of their own, and runs there the tests that came along. The
# packages find each other as they would in a registry, and everything else in the versions of Cargo.lock. With `each`,
# the packages are built one by one: each with no more features of its dependencies than it asks for itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
case "${1:-}" in
    '' | each) ;;
    *)
        echo "usage: scripts/package.sh [each]" >&2
        exit 2
        ;;
esac
need_linker
private_runtime_dir

packages=(wgpool wgpool-testing wgpool-net wgpool-cli)
target=$(target_folder)
export CARGO_TARGET_DIR=$target
unpacked=$target/package/unpacked
rm -rf "$target"/package
# What is not committed is packaged too: this is a check, not a release.
cargo package --workspace --no-verify --allow-dirty --quiet
mkdir -p "$unpacked"
{
    printf '[workspace]\nresolver = "3"\nmembers = ["*-*.*.*"]\n\n[patch.crates-io]\n'
    for package in "${packages[@]}"; do
        # With the time of now: the files of a package are all as old as one another, and cargo would take new ones for known.
        tar -xmzf "$target/package/$package"-[0-9]*.crate -C "$unpacked"
        folder=$(cd "$unpacked" && echo "$package"-[0-9]*)
        echo "$package = { path = \"$folder\" }"
    done
    # Their dependencies are those of the other builds.
    printf '\n[profile.release.package.%s]\nopt-level = 0\n' "${packages[@]}"
} >"$unpacked/Cargo.toml"
cp Cargo.lock "$unpacked/"
cd "$unpacked"
if [ "${1:-}" = each ]; then
    for package in "${packages[@]}"; do
        echo "-- the tests of the package $package"
        cargo test --release -p "$package"
    done
else
    cargo test --release --workspace
fi
