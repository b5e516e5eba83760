#!/usr/bin/env bash
# Whether one build of wgpool is slower than another: runs both interleaved, A B B A A B ..., so that whatever else the
# machine does meets both alike, and compares the rounds.
#
#   scripts/bench_compare.sh BINARY_A BINARY_B [--rounds N] [--out DIR] [--fail-above RATIO] [arguments of `wgpool bench`]
#
# N is 10 unless it is given, and 6 at least. Many short rounds (--quick, few cases) say more than few long ones, above all
# on a machine that has other work. The rounds stay in DIR (A/001.json, B/001.json and so on) if it is given, for `wgpool bench --compare DIR/A DIR/B`. The status is that of the comparison: 1 if a case is
# slower than --fail-above permits, 2 if something went wrong.
set -euo pipefail

fail() {
    echo "bench_compare.sh: $1" >&2
    exit 2
}

[ $# -ge 2 ] || fail "usage: bench_compare.sh BINARY_A BINARY_B [--rounds N] [--out DIR] [--fail-above RATIO] [bench arguments]"
binary_a=$1 binary_b=$2
shift 2
rounds=10 out='' limit=() arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        --rounds | --out | --fail-above)
            [ $# -ge 2 ] || fail "$1 takes a value"
            case "$1" in
                --rounds) rounds=$2 ;;
                --out) out=$2 ;;
                --fail-above) limit=(--fail-above "$2") ;;
            esac
            shift 2
            ;;
        *)
            arguments+=("$1")
            shift
            ;;
    esac
done
[[ $rounds =~ ^[0-9]+$ ]] && [ "$rounds" -ge 6 ] || fail "--rounds is $rounds, but an interval of 95 % takes 6 or more"
for binary in "$binary_a" "$binary_b"; do
    command -v "$binary" >/dev/null || fail "$binary is no program that can be run"
done
judge=''
for binary in "$binary_b" "$binary_a"; do
    # Not `grep -q`: it would leave early, and the broken pipe would count as a failure.
    if "$binary" bench --help | grep -e --compare >/dev/null; then
        judge=$binary
        break
    fi
done
[ -n "$judge" ] || fail "neither program has \`bench --compare\`"

if [ -z "$out" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out/A" "$out/B"
for side in A B; do
    ! compgen -G "$out/$side/*.json" >/dev/null || fail "$out/$side holds rounds already"
done

run() {
    local side=$1 binary=$2 round status=0
    round=$(printf %03d "$3")
    # What a failed run says of its cases is all there is to tell why.
    "$binary" bench ${arguments[@]+"${arguments[@]}"} --json "$out/$side/$round.json" >"$out/$side/$round.txt" || status=$?
    if [ "$status" -ne 0 ]; then
        grep FAILED "$out/$side/$round.txt" >&2 || true
        fail "round $round of $side ($binary) ended with status $status"
    fi
}

for ((i = 1; i <= rounds; i++)); do
    echo "bench_compare.sh: round $i of $rounds" >&2
    if ((i % 2)); then
        run A "$binary_a" "$i"
        run B "$binary_b" "$i"
    else
        run B "$binary_b" "$i"
        run A "$binary_a" "$i"
    fi
done
"$judge" bench --compare "$out/A" "$out/B" ${limit[@]+"${limit[@]}"}
