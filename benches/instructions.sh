#!/usr/bin/env bash
# Counts the instructions of one training step and one inference of each workload, on one thread, and
# compares them with the stored counts in benches/instructions.tsv: more or fewer than SLACK percent fail.
# The batches of training have at most ROWS rows: valgrind runs a program about a hundred times slower.
#
#     benches/instructions.sh            compares
#     benches/instructions.sh --store    writes the counts of this build to the file
#
# valgrind counts: the figures depend on the program and the compiler, not on the machine or its load.
# valgrind knows no AVX-512, so kernels run as on AVX2; the processor that it emulates is the same everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
SLACK=3
ROWS=2
WORKLOADS="tiny mlp cnn lstm gru gpt seq2seq"
stored=benches/instructions.tsv

if ! command -v valgrind >/dev/null; then
    apt-get update -qq && apt-get install -y -qq valgrind >/dev/null
fi
# The example with it, so that cargo chooses the same features of the dependencies for both and builds them once.
cargo build --release --quiet -p netform-bench -p netform-examples --bin netform-bench --example mnist_mlp
bench=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/netform-bench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The instructions of the second step: by then every buffer is there.
count() {
    NETFORM_ISA=avx2 valgrind --tool=callgrind --callgrind-out-file="$scratch/$1.$2.callgrind" \
        --toggle-collect='*timed_step*' "$bench" --workload "$1" --mode "$2" --threads 1 \
        --unpinned --rows "$ROWS" --warmup 1 --steps 1 >/dev/null 2>"$scratch/$1.$2.log"
    sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p' "$scratch/$1.$2.log" >"$scratch/$1.$2"
}

# valgrind runs a program on one core, so there are as many at a time as there are cores.
for workload in $WORKLOADS; do
    for mode in train infer; do
        while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
        count "$workload" "$mode" &
    done
done
wait
for workload in $WORKLOADS; do
    for mode in train infer; do
        if [ ! -s "$scratch/$workload.$mode" ]; then
            cat "$scratch/$workload.$mode.log"
            echo "$workload $mode was not counted"
            exit 1
        fi
        printf '%s\t%s\t%s\n' "$workload" "$mode" "$(cat "$scratch/$workload.$mode")"
    done
done >"$scratch/counts"

if [ "${1:-}" = --store ]; then
    { printf 'workload\tmode\tinstructions\n'; cat "$scratch/counts"; } >"$stored"
    cat "$stored"
    exit
fi
awk -F'\t' -v slack="$SLACK" '
    NR == FNR { before[$1, $2] = $3; next }
    {
        b = before[$1, $2]
        change = b > 0 ? 100 * ($3 / b - 1) : 100
        off = change > slack || change < -slack
        bad += off
        printf "%-8s %-5s %12d instructions, %+.2f %% of the stored count%s\n", $1, $2, $3, change, off ? "  <--" : ""
    }
    END {
        if (bad) print bad " counts differ by more than " slack " %: find out why, or store the new counts with benches/instructions.sh --store"
        exit bad > 0
    }' "$stored" "$scratch/counts"
