#!/usr/bin/env bash
# The command line as a user meets it: exit statuses, standard input, --json, --set, bad files, full disks, Ctrl-C, a kill.
#   cli.sh LAG
set -u
. "$(dirname "$0")/expect.sh"
lag=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >valley.lag <<'LAG'
const a = 100
param x[2] = [-1.5, 2.0]
system valley { potential = (1 - x[0])^2 + a * (x[1] - x[0]^2)^2 }
run adam(lr = 0.02) on valley for 200 steps { record x, loss every 10 steps
  save x to "x.safetensors" }
LAG
# Two runs compared in one statement: said where that is, and not at the run.
cat >two_runs.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run a = leapfrog(h = 0.1) on s for 1
run b = leapfrog(h = 0.2) on s for 1
expect a.x < b.x
LAG
expect 1 'two_runs.lag:5:8: error\[E0801\]' "$lag" run --quiet two_runs.lag
expect 1 'help: a statement looks at one run' "$lag" run --quiet two_runs.lag
echo 'param x = 1
system s { potential = y }
run adam on s for 3 steps' >wrong.lag
echo 'param x = 1
system s { potential = x^4 }
run gradient_descent(lr = 100) on s for 100 steps { record x every 1 steps }' >diverges.lag
echo 'param x = 1
system s { potential = x }
run gradient_descent(lr = 1e308) on s for 10 steps' >overflows.lag
echo 'param x = 1
system s { potential = x^2 }
run gradient_descent(lr = 0.1) on s for 10 steps
expect loss < 1e-12' >hopes.lag

expect 0 'usage: lag' "$lag" --help
expect 0 '^lag [0-9]' "$lag" --version
expect 2 'usage: lag' "$lag"
expect 2 'did you mean `run`' "$lag" rum x.lag
echo 'coord x = 1
let guess = x + 0.5
let y = root(guess^2 + 1, guess)
system s { kinetic = 1/2 * x'"'"'^2; potential = y * x }
run rk4(h = 0.1) on s for 1' >rootless.lag
expect 3 'rootless.lag:3:9: error\[E0807\]: .*no solution' "$lag" run --quiet rootless.lag

for command in run derive check fmt doc new doctor; do expect 0 "usage: lag $command" "$lag" "$command" --help; done
expect 2 'no such option' "$lag" run --fast valley.lag
expect 2 'a value must follow' "$lag" run valley.lag --seed
expect 2 'expected a whole number' "$lag" run valley.lag --seed=x
expect 2 'NAME=VALUE' "$lag" run valley.lag --set a
expect 2 'the stages are' "$lag" run valley.lag --emit=asm
for command in run derive check fmt; do expect 2 'which program' "$lag" "$command"; done
expect 2 'cannot name a program' "$lag" new up/valley
expect 1 'cannot read .*No such file' "$lag" run none.lag
expect 1 'cannot read' "$lag" run .
expect 0 'no errors' "$lag" check valley.lag
expect 1 'E0201' "$lag" check wrong.lag
expect 1 '"code":"E0201"' "$lag" check --json wrong.lag
printf ')%.0s' $(seq 5000) >many.lag
expect 1 'and 4000 more messages, not shown' "$lag" check many.lag
expect 1 '"messages":4000' "$lag" check --json many.lag
expect 1 'E0207' "$lag" check valley.lag --set b=1
expect 0 '' "$lag" run valley.lag --quiet --out results
expect 0 'x\[0\]' head -1 results/adam.csv
[ -s results/x.safetensors ] || { echo "FAILED: no parameters saved"; failed=$((failed + 1)); }
expect 0 '' bash -c "'$lag' run - --quiet --out piped <valley.lag"
expect 0 '' cmp results/adam.csv piped/adam.csv
expect 0 '' "$lag" run valley.lag --quiet --out one --threads 1
expect 0 '' cmp results/adam.csv one/adam.csv
expect 0 '' "$lag" run valley.lag --quiet --out soft --set a=1
expect 1 '' cmp -s results/adam.csv soft/adam.csv
expect 0 '"event"' "$lag" run valley.lag --json --out json
expect 3 'diverged: the loss is no longer finite after step [0-9]+' "$lag" run diverges.lag --quiet --out diverged
expect 3 'diverged: x is no longer finite after step 2' "$lag" run overflows.lag --quiet --out overflows
echo 'coord x = 0/0
system s { kinetic = x'"'"'^2 / 2; potential = x^2 / 2 }
run leapfrog on s for 1 { record x }' >nowhere.lag
expect 3 'cannot start: x is not finite at the start' "$lag" run nowhere.lag --quiet --out nowhere
[ -s diverged/gradient_descent.csv ] && [ -s diverged/gradient_descent_last_good.safetensors ] ||
  { echo "FAILED: a diverged run lost its results"; failed=$((failed + 1)); }
expect 4 'E0810' "$lag" run hopes.lag --quiet --out hopes
expect 3 'cannot|No space|not a directory|Not a directory' "$lag" run valley.lag --quiet --out /dev/full/x
expect 0 '' "$lag" fmt valley.lag
"$lag" fmt valley.lag >again.lag && "$lag" fmt again.lag >twice.lag
expect 0 '' cmp again.lag twice.lag
expect 0 'adam' "$lag" doc
expect 0 'dynamics adam' "$lag" doc adam
expect 1 'did you mean `adam`' "$lag" doc adaam
expect 0 'wrote mine.lag' "$lag" new mine
expect 3 'File exists' "$lag" new mine
expect 0 '' "$lag" run mine.lag --quiet --out mine
expect 2 'a name' "$lag" new ../mine
expect 0 'linear algebra' "$lag" doctor
expect 0 'Legendre|momenta|Lagrangian' "$lag" derive valley.lag
expect 0 'documentclass' "$lag" derive --latex valley.lag

# Orders that are measured: 0 where they are those derived, 4 where they are lower or do not show.
cat >orders.lag <<'LAG'
dynamics jump(h = 0.1) {
  const w = 1 / (2 - 2^(1/3))
  step by h { compose leapfrog(w); compose leapfrog(1 - 2*w); compose leapfrog(w) }
}
dynamics slow(h = 0.1) { step by h { compose leapfrog(0.3); compose leapfrog(0.3) } }
dynamics steps(h = 0.1) { flow fade { p' = -0.1 * p }; step by h { fade/2; p/2; q; p/2; fade/2 } }
dynamics counted(h = 0.1) { state n = n + 1; step by h { n; p/2; q; p/2 } }
coord x = 1, y = 0.3
system pendulum { kinetic = 1/2 * x'^2; potential = -cos(x) }
system kink { kinetic = 1/2 * y'^2; potential = abs(y - 0.1) + abs(y) }
system free { kinetic = 1/2 * x'^2 }
run third = jump on pendulum for 5 { when x = 0 { x' = -x' }; record x every 1 }
run slow on pendulum for 5
run gauss(h = 0.1, stages = 3) on kink for 5
run leapfrog(h = 0.1) on free for 5
run steps on pendulum for 5
run counted on pendulum for 5
LAG
expect 0 'measured: order (3.9|4.0)[0-9]* .*' "$lag" derive --order orders.lag third
expect 0 'derived:  order 4' "$lag" derive --order orders.lag jump
expect 0 'without the events of the run' "$lag" derive --order orders.lag third
expect 0 'of −h: .*, symmetric' "$lag" derive --order orders.lag third
expect 0 'Ω. = .*, symplectic' "$lag" derive --order orders.lag third
expect 0 '"verdict":"agrees".*"derived":4' "$lag" derive --order --json orders.lag third
expect 4 'converges to another motion' "$lag" derive --order orders.lag slow
expect 4 'Lower than derived' "$lag" derive --order orders.lag kink
expect 0 'Exact on this system' "$lag" derive --order orders.lag free
expect 0 'no method takes this system' "$lag" derive --order orders.lag steps
expect 0 'against taylor' "$lag" derive --order orders.lag counted   # a state that nothing reads is no part of the motion
expect 2 'no run called nobody' "$lag" derive --order orders.lag nobody
expect 2 'one file at a time' "$lag" run orders.lag third
cat >warm.lag <<'LAG'
coord x = 1
system warm { potential = x^4; dissipation = 1/2 * x'^2; temperature = 1 }
run euler_maruyama on warm for 1
LAG
expect 0 'None is measured: its word draws noise' "$lag" derive --order warm.lag

# Bounces without a last one end the run with what there is; so does `stop`, which is no fault; both name the event.
cat >ball.lag <<'LAG'
const e = 0.5
coord y = 1
system ball { kinetic = 1/2 * y'^2; potential = 9.81 * y }
run a = dop853(rtol = 1e-10) on ball for 300 { when y = 0 falling { y' = -e * y'; record t } }
LAG
for method in 'dop853(rtol = 1e-10)' 'leapfrog(h = 0.01)'; do
  for e_limit in 0.9:8.578 0.5:1.354 0.1:0.551 0.01:0.460; do # T (1 + 2 e / (1 - e))
    e=${e_limit%:*}
    sed "s/dop853(.*) on/$method on/" ball.lag >rests.lag
    expect 3 'the event `y = 0 falling` has happened [0-9]+ times, in ever shorter times' \
      "$lag" run rests.lag --quiet --set e=$e --out rests
    expect 0 "^${e_limit#*:}" tail -n 1 rests/a.csv
  done
done
sed 's/record t/record t; stop after 2 times/' ball.lag >stops.lag
expect 0 'ended at t = .* by `when y = 0 falling`' "$lag" run stops.lag --out stops
expect 0 '^3$' bash -c 'wc -l <stops/a.csv'

# Dry friction that brings a motion to rest: Taylor's method has no series that stays on the kink.
cat >dry.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2; force on x = -0.1 * sign(x') }
run taylor on s for 20
LAG
expect 3 "at t = 15\.70796[0-9]* the motion is driven back from both sides to where .sign\(x'\). has its kink" "$lag" run dry.lag --quiet --out dry

# What is looked at on the way is part of what a record computes, where that computes it anyway.
sed 's/for 20/for 1 { record energy every 1 }/' dry.lag >looks.lag
expect 0 '^1 0$' bash -c '"$0" run looks.lag --emit=plan >plan; echo $(grep -c ^observe_0: plan) $(grep -c ^monitor: plan)' "$lag"
sed 's/record energy/record x/' looks.lag >apart.lag
expect 0 '^1 1$' bash -c '"$0" run apart.lag --emit=plan >plan; echo $(grep -c ^observe_0: plan) $(grep -c ^monitor: plan)' "$lag"

# A library of LLVM's name that is not LLVM; where lag is linked with LLVM itself there is no such library to name.
mkdir -p fake
for name in liblag_llvm.so libLLVM-19.so.1 libLLVM.so.19.1; do
  cc -shared -x c /dev/null -o "fake/$name" 2>/dev/null || rm -rf fake
done
if [ -d fake ] && ! ldd "$lag" 2>/dev/null | grep -q libLLVM; then
  expect 1 'E0901.*another version' env LD_LIBRARY_PATH=fake "$lag" run valley.lag --quiet --no-cache
fi

# Ctrl-C keeps what there is.
sed 's/200 steps/2000000000 steps/' valley.lag >long.lag
"$lag" run long.lag --quiet --out long 2>said & pid=$!
sleep 1
kill -INT $pid
wait $pid
status=$?
count=$((count + 1))
[ "$status" -eq 130 ] && [ -s long/adam.csv ] || { echo "FAILED: Ctrl-C: status $status"; cat said; failed=$((failed + 1)); }

# Copies: the same bytes on any number of threads, each of them the run that it is alone; one that stops does not stop
# the others.
cat >copies.lag <<'LAG'
coord a[2] = [0, 1]
system pendula { kinetic = 1/2 * sum(a'^2); potential = -9.81 * sum(cos(a)) + a[0] * a[1] }
run r = dop853(rtol = 1e-9) on pendula for 5 over 40 copies {
  a[0] from linspace(0, 78)
  record a, a', energy every 0.5
  when a[0] = 30 { record t, a' }
}
LAG
for run in 'dop853(rtol = 1e-9)' 'leapfrog(h = 0.01)'; do
  sed "s/dop853(.*) on/$run on/" copies.lag >copies_of.lag
  sed 's/ over 40 copies//; s/linspace(0, 78)/30/' copies_of.lag >alone.lag
  for threads in 1 2 5; do expect 0 '' "$lag" run copies_of.lag --quiet --threads $threads --out copies$threads; done
  expect 0 '' "$lag" run alone.lag --quiet --out alone
  for table in r_every_0.5 r_when_1; do
    expect 0 '' cmp copies1/$table.csv copies2/$table.csv
    expect 0 '' cmp copies1/$table.csv copies5/$table.csv
    expect 0 '' cmp <(grep '^15,' copies1/$table.csv | cut -d, -f2-) <(tail -n +2 alone/$table.csv)
  done
done
# The same without events, where words go in lanes as methods do; numbers of copies that fill no whole vectors; parameters.
for run in 'dop853(rtol = 1e-9)' 'dopri5(rtol = 1e-7)' 'rk4(h = 0.02)' 'euler(h = 0.001)' 'leapfrog(h = 0.01)' 'yoshida6(h = 0.02)' 'baoab(h = 0.02)'; do
  cat >lanes.lag <<LAG
param k = 2
coord a[3] = [0, 1, 2]
system pendula { kinetic = 1/2 * sum(a'^2); potential = -k * sum(cos(a)) + a[0] * a[1] * sin(t); temperature = 0.1 }
run r = $run on pendula for 3 over 21 copies { a[0] from copy / 7; a' from copy / 70; k from 1 + copy / 10; record a, a', energy every 0.5 }
LAG
  case $run in baoab*) sed -i 's/kinetic = [^;]*; //' lanes.lag ;; esac # it says the kinetic energy itself
  sed 's/ over 21 copies//; s/copy/17/g' lanes.lag >alone.lag
  for threads in 1 2; do expect 0 '' "$lag" run lanes.lag --quiet --threads $threads --out lanes$threads; done
  expect 0 '' "$lag" run alone.lag --quiet --seed $(printf %u $((17 * 0x9e3779b97f4a7c15))) --out alone # the noise of copy 17
  expect 0 '' cmp lanes1/r.csv lanes2/r.csv
  expect 0 '' cmp <(grep '^17,' lanes1/r.csv | cut -d, -f2-) <(tail -n +2 alone/r.csv)
done
# It is said how they went, and which strays farthest from what is conserved.
cat >how.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/4 * x^4 }
run a = leapfrog(h = 0.01) on s for 1 over 40 copies { x from linspace(0, 1) }
run b = leapfrog(h = 0.01) on s for 1 over 40 copies { when x = 0 { stop } }
run c = taylor(rtol = 1e-12) on s for 1 over 40 copies
run d = gauss(stages = 1, h = 0.1) on s for 1 over 40 copies
run e = leapfrog(h = 0.01) on s for 1 over 3 copies
system hill { kinetic = 1/2 * x'^2; potential = -1/4 * x^4 }
run f = leapfrog(h = 0.01) on hill for 1 over 40 copies { x from linspace(0, 3) }
LAG
expect 3 'copies went [0-9]+ side by side' "$lag" run how.lag --threads 1 --out how
expect 3 'drift: energy [0-9.e-]+ in copy 39' "$lag" run how.lag --threads 2 --out how
expect 3 'one by one: words look for events in one at a time' "$lag" run how.lag --threads 1 --out how
expect 3 "one by one: Taylor's method takes one at a time" "$lag" run how.lag --threads 1 --out how
expect 3 'one by one: a step of theirs calls the library, solves equations by iteration' "$lag" run how.lag --threads 1 --out how
expect 3 'one by one on each of 2 threads: they are few' "$lag" run how.lag --threads 2 --out how
expect 3 '"event":"copies","copies":40,"threads":1,"abreast":1,"why"' "$lag" run how.lag --json --threads 1 --out how
expect 3 '"event":"drift","name":"energy".*"copy":39' "$lag" run how.lag --json --threads 1 --out how
expect 3 'copy [0-9]+ of f stopped' "$lag" run how.lag --threads 1 --out how
expect 1 '' grep 'drift: energy inf' <("$lag" run how.lag --threads 1 --out how 2>&1) # of those that have ended alone
cat >blows_up.lag <<'LAG'
coord x = 1
system s { x' = x^2 }
run r = dop853(rtol = 1e-9) on s for 2 over 8 copies { x from linspace(0.1, 0.8); record x every 1 }
print max[copy](x)
LAG
expect 3 'copy 5 of r stopped: at t = 1.666666667, x changes so fast' "$lag" run blows_up.lag --quiet --out blown
expect 0 '^7,1,' grep '^7,1,' blown/r.csv
expect 0 '^0,2,0.12(5|4999999)' grep '^0,2,' blown/r.csv
expect 1 '' grep '^7,2,' blown/r.csv
sed 's/for 2 over 8/for 1e6 over 80000/; s/0.1, 0.8/-1, -2/; s/every 1/every 1000/' blows_up.lag >many_copies.lag
for pause in 1 4 16; do # on a busy machine the first copies may take a while
  "$lag" run many_copies.lag --quiet --out many 2>said & pid=$!
  sleep $pause
  kill -INT $pid
  wait $pid
  status=$?
  grep -q '^interrupted after 0 of' said || break
done
count=$((count + 1))
[ "$status" -eq 130 ] && grep -q 'of 80000 copies; the results so far' said && grep -q '^0,1000000,' many/r.csv ||
  { echo "FAILED: Ctrl-C among copies: status $status"; cat said; failed=$((failed + 1)); }

# The rows of events are kept as others are.
cat >crosses.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run a = leapfrog(h = 0.01) on s for 1e9 { when x = 0 { record t } }
run b = leapfrog(h = 0.01) on s for 1
LAG
for run in 'leapfrog(h = 0.01)' 'dop853(rtol = 1e-9)'; do
  sed "s/run a = .* on/run a = $run on/" crosses.lag >crosses_$count.lag
  "$lag" run crosses_$count.lag --quiet --out crosses_$count 2>said & pid=$!
  sleep 0.5
  kill -INT $pid
  wait $pid
  status=$?
  [ "$status" -eq 130 ] && grep -q '^1\.570' crosses_$count/a.csv ||
    { echo "FAILED: Ctrl-C among events: status $status"; cat said; failed=$((failed + 1)); }
  count=$((count + 1))
done

# What is conserved is followed; a drift is relative, or absolute where there is nothing but rounding.
cat >conserved.lag <<'LAG'
coord x = 1, y = 0, y' = 1.1
system planet { kinetic = 1/2 * (x'^2 + y'^2); potential = -1 / sqrt(x^2 + y^2); symmetry J: rotation(x, y) }
run leapfrog(h = 0.01) on planet for 1
coord a[i : 3] = i, b[i : 3] = i^2
system vortices { lagrangian = sum[i](a[i] * b'[i]) - sum[i, j | i < j](ln((a[i] - a[j])^2 + (b[i] - b[j])^2)); symmetry I: rotation(a, b) }
run dop853(rtol = 1e-12) on vortices for 1
coord u = 1, v = -1, u' = 0.5, v' = -0.5
system pair { kinetic = 1/2 * (u'^2 + v'^2); potential = 1/2 * (u - v)^2 }
run leapfrog(h = 0.01) on pair for 1
LAG
expect 0 '^drift: energy [0-9.]+e-0[4-9], J ([0-9.]+e-1[5-9]|0)$' "$lag" run conserved.lag
expect 0 '^drift: energy [0-9.]+e-1[0-9], I [0-9.]+e-1[0-9], P_b ([0-9.]+e-1[0-9]|0)$' "$lag" run conserved.lag
expect 0 '^drift: energy [0-9.]+e-0[4-9], P (0|[0-9.]+e-1[5-9] .absolute.)$' "$lag" run conserved.lag
expect 0 '"event":"drift","name":"J","drift":.*,"relative":true' "$lag" run conserved.lag --json

# A start that constraints refuse is no run: nothing is summed up, and nothing written.
cat >refused.lag <<'LAG'
coord x = 1, y = 0.5
system pendulum { kinetic = 1/2 * (x'^2 + y'^2); potential = 9.81 * y; constraint x^2 + y^2 = 1 }
run dop853 on pendulum for 1 { record x every 0.1 }
LAG
expect 3 'E0671' "$lag" run refused.lag --out refused
"$lag" run refused.lag --out refused 2>&1 | grep -qE '^(dop853 on|drift|wrote)' && { echo "FAILED: a refused start is summed up"; failed=$((failed + 1)); }
[ -e refused/dop853.csv ] && { echo "FAILED: a refused start leaves a table"; failed=$((failed + 1)); }

# What an event does has no value; where an implicit step finds no solution.
cat >no_value.lag <<'LAG'
coord x = 1
system spring { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run dop853 on spring for 10 { when x = 0 { x' = sqrt(-1 - x'^2) } }
LAG
expect 3 'dop853 stopped: the velocity of x is not finite after an event at t = 1\.57079.*The right side of what the event changes' "$lag" run no_value.lag --out no_value
sed 's/dop853/leapfrog(h = 0.01)/' no_value.lag >no_value_word.lag
expect 3 'leapfrog stopped: the momentum of x is not finite after an event at t = 1\.57' "$lag" run no_value_word.lag --out no_value
cat >falls.lag <<'LAG'
coord x = 1
system falls { kinetic = 1/2 * x'^2; potential = -x^4 }
run gauss(h = 0.01) on falls for 10
LAG
expect 3 'gauss stopped: after step [0-9]+, at t = 0\.9[0-9]+: Newton' "$lag" run falls.lag --out falls

# A full disk: one message, nothing half written.
if [ "$(id -u)" -eq 0 ] && mkdir disk && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
  sed 's/every 10 steps/every 1 steps/; s/200 steps/20000 steps/' valley.lag >big.lag
  expect 3 'the disk is full' "$lag" run big.lag --quiet --out disk/results
  [ -z "$(find disk -name '*.csv*')" ] || { echo "FAILED: half a table was left"; failed=$((failed + 1)); }
  umount disk
fi

# A limit on the size of files, too.
sed 's/every 10 steps/every 1 steps/; s/200 steps/20000 steps/' valley.lag >big.lag
expect 3 'larger than the file size allowed' bash -c "ulimit -f 1; '$lag' run big.lag --quiet --no-cache --out limited"
[ -z "$(find limited -name '*.csv*')" ] || { echo "FAILED: half a table was left"; failed=$((failed + 1)); }

# Neither a home, nor a cache that can be written, nor one that is damaged is in the way; the results are the same.
expect 0 '' env -u HOME -u XDG_CACHE_HOME "$lag" run valley.lag --quiet --out homeless
expect 0 '' cmp results/adam.csv homeless/adam.csv
touch no_folder
expect 0 '' env XDG_CACHE_HOME="$work/no_folder" "$lag" run valley.lag --quiet --out uncached
for run in cold warm damaged; do
  expect 0 '' env XDG_CACHE_HOME="$work/cache" "$lag" run valley.lag --quiet --out "$run"
  expect 0 '' cmp results/adam.csv "$run/adam.csv"
  find cache -type f -exec truncate -s 1000 {} +
done

echo "$count checks of the command line, $failed failed"
[ "$failed" -eq 0 ]
