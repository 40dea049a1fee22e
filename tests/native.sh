#!/usr/bin/env bash
# Executables of `lag build`: the same bits as `lag run`, no compiler and no source needed, and clear words when their file, their
# data or their command line is wrong.
#   native.sh LAG EXAMPLES
set -u
. "$(dirname "$0")/expect.sh"
lag=$(realpath "$1")
examples=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CACHE_HOME=$work/cache

cat >valley.lag <<'LAG'
param x[2] = [-1.5, 2.0]
system valley { potential = (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2 }
run first = adam(lr = 0.02) on valley for 200 steps { record x, loss every 10 steps
  save x to "x.safetensors"
  print loss }
run second = gradient_descent(lr = 1e-4) on valley for 50 steps { record x every 5 steps }
LAG
cat >walk.lag <<'LAG'
precision f64
data z[n, d] = csv("z.csv")
param w[d] = 0
system fit { potential = mean[n in batch](1/2 * (sum[d](z[n, d] * w[d]) - 1)^2) }
run adam(lr = 0.1) on fit for 5 epochs {
  batch 4
  record loss every 1 steps
  print w
}
LAG
for i in $(seq 1 10); do echo "$i,$((i * i % 7))"; done | sed '1i a,b' >z.csv
sed 's/^1,/2,/' z.csv >other.csv
head -5 z.csv >short.csv

# ---- the same bits, from a folder where there is no source ----
compare() { # PROGRAM FOLDER-OF-DATA ARGS…
  local program=$1 name
  name=$(basename "$program" .lag)
  shift
  expect 0 "wrote .*$name" "$lag" build "$program" -o "$work/$name.exe"
  (cd "$(dirname "$program")" && "$lag" run "$(basename "$program")" --out "$work/run-$name" --quiet "$@") >run.txt 2>run.err
  (cd "$(dirname "$program")" && env -i "$work/$name.exe" --out "$work/exe-$name" --quiet "$@") >exe.txt 2>exe.err
  count=$((count + 1))
  if ! diff -r "$work/run-$name" "$work/exe-$name" >differ.txt 2>&1 || ! cmp -s run.txt exe.txt; then
    echo "FAILED: $program: the executable and lag run differ"
    head -5 differ.txt exe.err
    diff run.txt exe.txt | head -5
    failed=$((failed + 1))
  fi
}
compare "$work/valley.lag"
compare "$work/walk.lag" --seed 3
compare "$work/walk.lag" --seed 3 --threads 2
for name in double_pendulum bouncing_ball spherical_pendulum kepler; do
  compare "$examples/$name/$name.lag"
done

# ---- its command line ----
mv valley.lag gone.lag
expect 0 'first: adam on valley' ./valley.exe --about
expect 0 'lr = 0.02' ./valley.exe --about
expect 0 'usage: valley.exe' ./valley.exe --help
expect 2 'no such option' ./valley.exe --frobnicate
expect 2 'a value must follow' ./valley.exe --seed
expect 2 'expected a whole number' ./valley.exe --seed x
expect 2 'reads no such data set' ./valley.exe --data y=z.csv
expect 0 'loss' ./valley.exe --out there
expect 0 '"event":"print"' ./valley.exe --json --out there
[ -f there/x.safetensors ] || { echo "FAILED: nothing saved"; failed=$((failed + 1)); }

# ---- its data ----
expect 0 'w \[' ./walk.exe --data z=other.csv --quiet
expect 3 'z: .*short.csv is of shape \[4, 2\], and the program was compiled for \[10, 2\]' ./walk.exe --data z=short.csv
expect 3 'data z: .*nowhere.csv' ./walk.exe --data z=nowhere.csv
(mkdir -p empty && cd empty && expect 3 'z.csv' ../walk.exe)

# ---- what goes wrong inside ----
cat >wrong.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run leapfrog(h = 0.1) on s for 1 { expect x > 2 }
LAG
expect 0 'wrote wrong' "$lag" build wrong.lag
expect 4 'wrong.lag:3:[0-9]+: error\[E0810\]: does not hold' ./wrong
expect 4 '"code":"E0810"' ./wrong --json
sed 's/run leap/run bleap/' wrong.lag >misspelt.lag
expect 1 'bleapfrog' "$lag" build misspelt.lag
[ ! -e misspelt ] || { echo "FAILED: an executable of a wrong program"; failed=$((failed + 1)); }
echo 'param x = 1' >idle.lag
expect 1 'nothing to build' "$lag" build idle.lag
expect 3 'nowhere/there' "$lag" build wrong.lag -o nowhere/there

# ---- a damaged file is no program ----
size=$(stat -c %s wrong)
head -c $((size - 7)) wrong >cut && chmod +x cut
expect 3 'no program behind this executable' ./cut
cp wrong bent && printf 'x' | dd of=bent bs=1 seek=$((size - 200)) conv=notrunc 2>/dev/null
expect 3 'damaged; build it again' ./bent

echo "$count checks"
exit "$((failed > 0))"
