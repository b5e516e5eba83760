#!/usr/bin/env bash
# Computes huge windows, strides, dilations and paddings on tiny inputs in a process that may take 1 GiB of addresses and ten
# minutes of processor time: as many specifications as the first argument says, or 100,000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
need_linker

built=$(cargo test --release -p wgpool --test fuzz --no-run 2>&1 | tee /dev/stderr)
test=$(printf '%s\n' "$built" | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
ulimit -v $((1 << 20)) -t 600
WGPOOL_FUZZ=${1:-100000} exec "$test" --nocapture outside
