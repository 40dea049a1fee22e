#!/usr/bin/env bash
# Training that is killed goes on from its checkpoint with the bits of training that was not, whatever the moment; and a checkpoint
# that does not fit is refused with the reason.
#   resume.sh LAG
set -u
. "$(dirname "$0")/expect.sh"
lag=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CACHE_HOME=$work/cache

# Noise, minibatches, estimators, single precision, two runs of which the second starts from the first, a word with a bath.
cat >train.lag <<'LAG'
precision f32
const N = 400
data x[n : N, i : 8] = draw normal(0, 1)
data y[n : N] = tanh(x[n, 0] - x[n, 2]) + 0.3 * draw normal(0, 1)
param W[8, h : 6] = draw normal(0, 0.3)
param c[6] = draw normal(0, 0.3)
system fit { potential = mean[n in batch]((y[n] - sum[h](c[h] * tanh(sum[i](x[n, i] * W[i, h]))))^2) }
run first = adam(lr = 0.01) on fit for 700 epochs {
  batch 30
  record loss every 100 steps
  record norm = sum(W^2) every epoch
  save W, c to "first.safetensors"
  print loss
}
run second = momentum(lr = 0.001) on fit for 300 epochs {
  batch 50
  record loss every epoch
  save W, c to "second.safetensors"
}
LAG
cat >bath.lag <<'LAG'
coord x = 1
system well { potential = 1/4 * x^4; temperature = 0.5 }
run bath = baoab(h = 0.05, friction = 1) on well for 150000 steps { record x every 1000 steps
  print mean_square = x^2 }
LAG

resumed() { # PROGRAM KILLS ARGS…: uninterrupted, and killed so often, must leave the same files and say the same
  local program=$1 kills=$2 kill
  shift 2
  expect 0 '' "$lag" run "$program" --out whole --seed 5 --quiet "$@"
  "$lag" run "$program" --out whole --seed 5 --quiet "$@" >whole.txt 2>&1
  rm -rf part
  for kill in $(seq 1 "$kills"); do
    "$lag" run "$program" --out part --seed 5 --quiet --checkpoint 0.01 --resume "$@" >part.txt 2>&1 &
    sleep "0.$((RANDOM % 3))$((RANDOM % 90 + 10))"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
  done
  "$lag" run "$program" --out part --seed 5 --quiet --checkpoint 0.01 --resume "$@" >part.txt 2>&1
  count=$((count + 1))
  if ! diff -r whole part >differ.txt || ! cmp -s whole.txt part.txt; then
    echo "FAILED: $program, killed $kills times, is not what it is uninterrupted"
    head -5 differ.txt part.txt
    failed=$((failed + 1))
  fi
  rm -rf whole
}
resumed train.lag 20
resumed train.lag 3 --threads 2
resumed bath.lag 5

# Of an executable, too.
expect 0 'wrote train' "$lag" build train.lag
expect 0 'loss' "$lag" run train.lag --out whole --quiet
rm -rf part
for kill in 1 2 3; do
  ./train --out part --quiet --checkpoint 0.01 --resume >/dev/null 2>&1 &
  sleep 0.2
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done
expect 0 'loss' ./train --out part --quiet --resume
expect 0 '' diff -r whole part

# ---- Ctrl-C keeps where it is ----
rm -rf part
sed 's/700 epochs/70000 epochs/' train.lag >long.lag
"$lag" run long.lag --out part --seed 5 >/dev/null 2>said & pid=$!
for wait in $(seq 1 100); do # until it steps
  sleep 0.1
  [ -s said ] && break
done
sleep 0.5
kill -INT $pid
wait $pid
expect 0 'and --resume goes on from here' cat said
expect 0 '' test -s part/first.checkpoint.safetensors

# ---- checkpoints that do not fit ----
expect 3 'does not fit this run: its seed is 5' "$lag" run long.lag --out part --resume --quiet
sed 's/batch 30/batch 20/' long.lag >other.lag
expect 3 'its batches are 30 of 400 rows' "$lag" run other.lag --out part --seed 5 --resume --quiet
sed 's/W\[8, h : 6\]/W[8, h : 5]/; s/c\[6\]/c[5]/' long.lag >other.lag
expect 3 'it has not .* as this program has it' "$lag" run other.lag --out part --seed 5 --resume --quiet
sed '/print loss/d' long.lag >other.lag
expect 3 'records something else now' "$lag" run other.lag --out part --seed 5 --resume --quiet
head -c 100 part/first.checkpoint.safetensors >cut && mv cut part/first.checkpoint.safetensors
expect 3 'without --resume the run begins at its start' "$lag" run long.lag --out part --seed 5 --resume --quiet
expect 2 'expected a number of seconds' "$lag" run train.lag --checkpoint soon
expect 0 'no checkpoint' "$lag" run bath.lag --out none --resume

# ---- what is due at the end of a run is not behind a checkpoint ----
cat >ends.lag <<'LAG'
param x = 1
system hill { potential = x^2 }
run first = gradient_descent(lr = 0.1) on hill for 1 steps { print "the first is at" = x }
run second = gradient_descent(lr = 1e9) on hill for 100000 steps { record x every 100 steps }
LAG
expect 3 'the first is at 0.8' "$lag" run ends.lag --out ends --checkpoint 1e-9 --quiet
expect 3 'the first is at 0.8' "$lag" run ends.lag --out ends --checkpoint 1e-9 --quiet --resume

# ---- no room for checkpoints: said once, and the run goes on ----
mkdir -p full && chmod 500 full
if [ "$(id -u)" -ne 0 ]; then
  expect 3 'no checkpoint: ' "$lag" run train.lag --out full --checkpoint 0.01 --quiet
fi

echo "$count checks"
exit "$((failed > 0))"
