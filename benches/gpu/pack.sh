#!/usr/bin/env bash
# Packs what is needed to test and measure netform on a machine that has an NVIDIA driver, and Python
# perhaps, but no Rust: the CUDA tests and `netform-bench` as programs, their data, the peers' programs.
#
#     benches/gpu/pack.sh [--no-fixtures] [FILE]      # target/netform-gpu.tar.gz if not given
#
# There: unpack, and `netform-gpu/run.sh`. The machine needs the same processor family and a C library
# no older than this machine's.
#
# Tests look for their data below the folder that they were compiled in. `run.sh` makes that path a link
# to its own folder for as long as it runs, which takes the right to make it: pack from a checkout below
# /tmp if the other machine is not your own.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec </dev/null

fixtures=yes
if [ "${1:-}" = --no-fixtures ]; then
    fixtures=no
    shift
fi
target=${CARGO_TARGET_DIR:-target}
file=${1:-$target/netform-gpu.tar.gz}
dir=$target/netform-gpu
rm -rf "$dir"
mkdir -p "$dir/bin"

# tests CARGO-ARGUMENTS: builds tests, and packs them under their names.
tests() {
    echo "== tests: $*"
    cargo test --no-run --message-format=json "$@" |
        sed -n 's/.*"name":"\([^"]*\)".*"test":true.*"executable":"\([^"]*\)".*/\1 \2/p' |
        while read -r name program; do
            cp "$program" "$dir/bin/test-$name"
        done
}
tests -p netform-networks --test cuda
mv "$dir/bin" "$dir/netform"
mkdir "$dir/bin"
tests -p netform-ptx --test '*'
mv "$dir/bin" "$dir/kernels"
mkdir "$dir/bin"
# The emulator's own: they tell whether the GPU does what the emulator does.
tests -p netform-ptx-emulator --test '*'
mv "$dir/bin" "$dir/emulator"
mkdir "$dir/bin"
# Some tests start the emulator themselves, whatever the device.
cp "$target/debug/deps/libnetform_ptx_emulator.so" "$dir/netform"

echo "== programs"
cargo build --release -p netform-bench --features cuda
cargo build --release -p netform-examples --features cuda --examples
cp "$target/release/netform-bench" "$dir/bin"
for example in examples/*.rs; do
    cp "$target/release/examples/$(basename "$example" .rs)" "$dir/bin"
done
if [ $fixtures = yes ]; then
    echo "== golden values"
    # Writes the program, builds it, and runs it here once.
    cargo run --release -p netform-fixtures --features cuda -- tests/fixtures || true
    cp "$(find "$target/debug" -maxdepth 1 -name 'public-*' -executable)" "$dir/bin/fixtures"
fi

echo "== $file"
mkdir -p "$dir/tests"
cp -r tests/fixtures "$dir/tests"
cp -r data "$dir"
cp -r benches/peers "$dir"
rm -rf "$dir/peers/__pycache__"
cp benches/gpu/run.sh "$dir"
pwd -P > "$dir/built-in.txt"
{
    git describe --always --dirty
    rustc --version
} > "$dir/version.txt"
tar -czf "$file" -C "$target" netform-gpu
du -h "$file"
