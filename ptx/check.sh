#!/bin/sh
# Assembles every kernel and variant with NVIDIA's own ptxas, for the oldest GPU that it claims, for sm_90 and for
# the newest: warnings and spills are errors. Register counts for sm_90 must be those of registers.txt.
# Usage: ptx/check.sh [--update | --all]; --update rewrites registers.txt, --all takes the GPUs between too.
# The assembler comes from PyPI (40 MB): no GPU, driver or toolkit is needed.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
tools=$target/ptxas
ptxas=$tools/nvidia/cuda_nvcc/bin/ptxas
[ -x "$ptxas" ] || python3 -m pip install -q --no-deps --target "$tools" nvidia-cuda-nvcc-cu12==12.9.86
dir=$target/ptx-check
rm -rf "$dir"
mkdir -p "$dir"
cargo run -q -p netform-ptx-dump -- "$dir"

cat > "$dir/one.sh" <<'ONE'
# one.sh PTXAS FILE: assembles one module, and writes its registers beside it.
ptxas=$1 file=$2
case $(sed -n 's/^\.target *//p' "$file") in
    sm_80*) oldest=sm_80 ;;
    *)      oldest=sm_75 ;;
esac
for arch in $oldest $BETWEEN sm_90 sm_120; do
    log=$("$ptxas" -arch="$arch" -v --warning-as-error --warn-on-spills -o /dev/null "$file" 2>&1) || {
        echo "FAILED $file for $arch"
        echo "$log" | grep -v '^ptxas info'
        exit 1
    }
    [ "$arch" != sm_90 ] || echo "$log" | sed -n "s/.*Used \([0-9]*\) registers.*/$(basename "$file" .ptx) \1/p" > "$file.registers"
done
ONE
[ "${1:-}" = --all ] && BETWEEN="sm_80 sm_86 sm_89 sm_100" || BETWEEN=
export BETWEEN
find "$dir" -name '*.ptx' | xargs -P "$(nproc)" -n 1 sh "$dir/one.sh" "$ptxas" || exit 1

cat "$dir"/*.registers | LC_ALL=C sort > "$dir/registers.txt"
echo "$(wc -l < "$dir/registers.txt") modules assembled"
if [ "${1:-}" = --update ]; then
    cp "$dir/registers.txt" ptx/registers.txt
else
    diff -u ptx/registers.txt "$dir/registers.txt"
fi
