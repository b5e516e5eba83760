#!/usr/bin/env bash
# Whether every multiply-add of the host path is an instruction. What is not inlined into `wide!` is compiled for the
# narrowest registers, where each is a call of a library function, and a loop of these takes a hundred times as long.
# Reads a program of Linux on x86-64, the command line's unless another is named; elsewhere this says so and succeeds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

if [ "$(uname -sm)" != "Linux x86_64" ]; then
    skip "multiply-adds of the host path (they are looked for in programs of Linux on x86-64)"
    exit
fi
need_linker
program=${1:-}
if [ -z "$program" ]; then
    cargo build --release --bin wgpool
    program=$(target_folder)/release/wgpool
fi

# The function's address, and the places that hold it: code calls it by either.
address=$(nm "$program" | awk '$3 == "fmaf" && !found++ { sub(/^0+/, "", $1); print $1 }')
[ -n "$address" ] || { echo "multiply_adds.sh: $program has no fmaf: this looks for it in vain" >&2; exit 1; }
names="[ #]($address$(readelf -rW "$program" | awk -v at="$address" '$4 == at { sub(/^0+/, "", $1); printf "|%s", $1 }')) <"

# Functions that call it, or an instruction that was not inlined.
callers=$(objdump -d -C --no-show-raw-insn "$program" |
    awk -v names="$names" '/^[0-9a-f]+ <.*>:$/ { caller = $0; next }
        $0 ~ names || /call.*<core::core_arch::x86::.*fmadd/ { callers[caller] }
        END { for (caller in callers) print caller }' | sed -E 's/^[0-9a-f]+ <(.*)>:$/\1/' | sort)
# The shader compiler computes constants by it: if not even that is seen, nothing would be.
grep -F 'core::ops::function::FnOnce::call_once' <<<"$callers" >/dev/null ||
    { echo "multiply_adds.sh: the shader compiler's own call of fmaf was not found" >&2; exit 1; }
ours=$(grep -Ev '^(core::ops::function::FnOnce::call_once|fmaf|naga::.*|compiler_builtins::.*|std_detect::.*)$' <<<"$callers" || true)
if [ -n "$ours" ]; then
    echo "multiply_adds.sh: compiled without the instruction, because not inlined:" >&2
    echo "$ours" >&2
    exit 1
fi
echo "every multiply-add of the host path is an instruction"
