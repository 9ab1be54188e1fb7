#!/usr/bin/env bash
# Tests and measures netform on this machine's GPU; see `pack.sh`, which puts this beside the programs.
#
#     ./run.sh [tests] [benches]        # both if not given
#
# Everything goes to `results/`: a log of each test, `results.jsonl` with a line for each test and run,
# and the table that is printed at the end. Peers are measured where PYTHON (python3 if not set) finds
# them: `pip install -r peers/requirements-gpu.txt`. Settings, with what they are if not given:
#
#     REPS=3                     runs of each program, in turns
#     STEPS=                     timed steps of a run; about a second's worth if empty
#     WORKLOADS="tiny mlp gemm"  SIZES="256 512 1024 2048 4096 8192"  PRECISIONS="f32 tf32 bf16"
#     LIMIT=1800                 seconds that a program may take
#
# WORKLOADS can name cnn, lstm, gru, gpt and seq2seq too.
set -uo pipefail
# Numbers have a decimal point.
export LC_ALL=C
cd "$(dirname "$0")"
exec </dev/null
here=$(pwd -P)
out=$here/results
mkdir -p "$out"
results=$out/results.jsonl
touch "$results"
PYTHON=${PYTHON:-python3}
failed=0

# No emulator: a GPU, or a failure.
export REQUIRE_CUDA=1 NETFORM_DRIVER=libcuda.so.1
root=$(cat built-in.txt)
if [ ! -e "$root" ]; then
    # A link that leads nowhere is replaced.
    if mkdir -p "$(dirname "$root")" && ln -sfn "$here" "$root"; then
        trap 'rm -f "$root"' EXIT
    else
        echo "$root cannot be made: tests that read data will fail"
    fi
fi

nvidia-smi 2>/dev/null || echo "nvidia-smi is not here"
cat version.txt

# again NAME: forgets the results that have this field, which are made anew.
again() {
    sed -i "/\"$1\":/d" "$results"
}

# limited PROGRAM..: ends it when it takes too long.
limited() {
    timeout -k 30 "${LIMIT:-1800}" "$@"
}

# seconds COMMAND..: runs it, sets `took` and returns what it returns.
seconds() {
    local begin=$EPOCHREALTIME code
    "$@"
    code=$?
    took=$(awk "BEGIN { print $EPOCHREALTIME - $begin }")
    return $code
}

# check NAME COMMAND..: a line for it, and its output in a file.
check() {
    local name=$1 passed=true
    shift
    seconds "$@" > "$out/$name.log" 2>&1 || passed=false
    echo "{\"test\": \"$name\", \"passed\": $passed, \"seconds\": $took}" >> "$results"
    if $passed; then
        echo "passed: $name, $took s"
    else
        failed=1
        echo "FAILED: $name, $took s; the end of $out/$name.log:"
        tail -n 20 "$out/$name.log"
    fi
}

# All cases of the golden values on the GPU.
golden() {
    limited bin/fixtures tests/fixtures > "$out/fixtures.jsonl" || return 1
    local agree
    agree=$(grep '"cuda_f32"' "$out/fixtures.jsonl" | grep -c '"wrong":null')
    echo "$agree cases agree, and not:"
    [ "$agree" -gt 0 ] && ! grep '"cuda_f32"' "$out/fixtures.jsonl" | grep -v '"wrong":null'
}

tests() {
    again test
    # One after the other within a program: the device is one, and logs are easier to read.
    for program in emulator/test-* kernels/test-* netform/test-*; do
        check "${program////-}" limited "$program" --test-threads 1
    done
    [ ! -x bin/fixtures ] || check fixtures golden
    for example in computation_graph simple_mlp house_prices mnist_mlp; do
        check "example-$example" limited "bin/$example" --device cuda --out "$out"
    done
}

# bench PROGRAM.. : its line, with the number of the repetition.
bench() {
    local line
    line=$(limited "$@" 2>> "$out/benches.log" | grep '^{' | tail -n 1)
    if [ -z "$line" ]; then
        echo "did not run: $*" | tee -a "$out/benches.log"
        # A peer may lack a workload.
        [ "$1" != bin/netform-bench ] || failed=1
        return
    fi
    echo "${line%\}}, \"rep\": $rep}" >> "$results"
}

has() {
    limited "$PYTHON" -c "$1" >> "$out/benches.log" 2>&1
}

# workload ARGUMENTS..: netform and every peer that is here.
workload() {
    bench bin/netform-bench --device cuda "$@"
    if $torch; then
        for feed in $feeds; do
            for variant in $variants; do
                bench "$PYTHON" peers/torch_bench.py --device cuda --feed $feed --variant "$variant" "$@"
            done
        done
    fi
    if $jax; then
        for feed in $feeds; do
            bench "$PYTHON" peers/jax_bench.py --device cuda --feed $feed "$@"
        done
    fi
}

benches() {
    again peer
    torch=false jax=false
    has 'import torch; assert torch.cuda.is_available()' && torch=true
    has 'import jax, optax; assert jax.devices()[0].platform == "gpu"' && jax=true
    echo "peers: torch $torch, jax $jax"
    for rep in $(seq "${REPS:-3}"); do
        for name in ${WORKLOADS:-tiny mlp gemm}; do
            for precision in ${PRECISIONS:-f32 tf32 bf16}; do
                case $name in
                tiny)
                    # Too small for tensor cores.
                    [ "$precision" = f32 ] || continue
                    steps=2000
                    ;;
                mlp) steps=1000 ;;
                cnn) steps=200 ;;
                lstm | gru) steps=300 ;;
                gpt | seq2seq) steps=100 ;;
                gemm)
                    variants=eager feeds=device
                    for size in ${SIZES:-256 512 1024 2048 4096 8192}; do
                        steps=$((size < 4096 ? 200 : 20))
                        workload --workload gemm --mode infer --size "$size" --precision "$precision" --steps "${STEPS:-$steps}"
                    done
                    continue
                    ;;
                *)
                    echo "there is no workload $name: they are tiny mlp cnn lstm gru gpt seq2seq gemm"
                    failed=1
                    continue 2
                    ;;
                esac
                variants="eager eager-fused compile graph" feeds="host device"
                for mode in train infer; do
                    workload --workload "$name" --mode $mode --precision "$precision" --steps "${STEPS:-$steps}"
                done
            done
        done
    done
    table | tee "$out/table.md"
}

# Medians of the repetitions, in the order in which they came.
table() {
    echo
    echo "| workload | mode | precision | program | us a step | in a queue | GFLOP/s | times netform |"
    echo "|---|---|---|---|---|---|---|---|"
    awk '
        function field(name,   text) {
            if (!match($0, "\"" name "\": *(\"[^\"]*\"|[^,}]*)")) return ""
            text = substr($0, RSTART, RLENGTH)
            sub("^\"" name "\": *", "", text)
            gsub("\"", "", text)
            return text == "null" ? "" : text
        }
        # The median of numbers that stand in a row.
        function median(row,   v, n, i, j, t) {
            n = split(row, v, " ")
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
            return n ? v[int((n + 1) / 2)] : ""
        }
        /"peer"/ {
            peer = field("peer")
            feed = field("feed")
            if (feed == "device") peer = peer ", all on the device"
            what = field("workload") " | " field("mode") " | " field("precision")
            key = what " | " peer
            if (!(key in us)) { order[++rows] = key; of[key] = what; name[key] = peer }
            us[key] = us[key] " " field("median_us")
            queued[key] = queued[key] " " field("queued_us")
            flops[key] = flops[key] " " field("gflops")
        }
        END {
            for (r = 1; r <= rows; r++)
                if (name[order[r]] == "netform") base[of[order[r]]] = median(queued[order[r]])
            for (r = 1; r <= rows; r++) {
                key = order[r]
                t = median(queued[key])
                ratio = base[of[key]] > 0 && t != "" ? sprintf("%.2f", t / base[of[key]]) : ""
                printf "| %s | %s | %s | %s | %s |\n", key, median(us[key]), t, median(flops[key]), ratio
            }
        }' "$results"
}

for what in ${*:-tests benches}; do
    echo
    echo "== $what"
    case $what in
    tests | benches) "$what" ;;
    *)
        echo "there are tests and benches"
        failed=1
        ;;
    esac
done
exit $failed
