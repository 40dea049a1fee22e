#!/usr/bin/env bash
# What a run draws: the files of every kind of plot, their curves, labels and sizes; and runs that cannot draw.
#   pictures.sh LAG
set -u
lag=$(realpath "$1")
programs=$(realpath "$(dirname "$0")")/golden/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
count=0
complain() { echo "FAILED: $*"; failed=$((failed + 1)); }

# gcc's leak checker now and then dies of itself, which it says; such a run is repeated.
run() {
  local turn
  for turn in 1 2 3; do
    "$lag" run "$@" >said 2>&1 </dev/null
    status=$?
    grep -q 'LeakSanitizer has encountered a fatal error' said || break
  done
}

# has NAME NUMBER 'TEXT': so many times in NAME.svg
has() {
  local have
  count=$((count + 1))
  have=$(grep -oF -- "$3" "out/$1.svg" 2>/dev/null | wc -l)
  [ "$have" -eq "$2" ] || complain "$1.svg has $have times $3, not $2"
}

# png NAME: the same picture as pixels, two to a unit of the SVG.
png() {
  local width height
  count=$((count + 1))
  [ "$(head -c 8 "out/$1.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || { complain "$1.png is no PNG"; return; }
  width=$(od -An -j16 -N4 -tu1 "out/$1.png" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
  height=$(od -An -j20 -N4 -tu1 "out/$1.png" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
  sed -nE '1s/.* width="([0-9.]+)" height="([0-9.]+)".*/\1 \2/p' "out/$1.svg" | awk -v w="$width" -v h="$height" \
    '{ exit !(w >= 2 * $1 && w < 2 * $1 + 1 && h >= 2 * $2 && h < 2 * $2 + 1) }' ||
    [ "${moves:-}" ] || complain "$1.png is $width × $height"
}

says() { # STATUS 'PATTERN': of the last run
  count=$((count + 1))
  [ "$status" -eq "$1" ] && grep -qE -- "$2" said && return
  complain "exit status $status, expected $1; expected to say: $2"
  sed 's/^/  | /' said
}

# page NUMBER 'TEXT': so many times on the page of the last run
page() {
  count=$((count + 1))
  [ "$(grep -oF -- "$2" out/report.html | wc -l)" -eq "$1" ] || complain "report.html has not $1 times $2"
}

run "$programs/pictures.lag" --out out
says 0 '^wrote out/report.html$'
page 17 '<figure>'
page 1 'leapfrog(h = 0.01) on ring for 4'
says 0 '^wrote out/numbers.svg, out/numbers.png$'
has numbers 2 'class="curve"'
has numbers 1 'class="label-x" font-size="15" text-anchor="middle" x='
has numbers 2 '>q′</t' # the legend and the curve's title
has numbers 1 '>q, q′</text>'
has portrait 1 '>portrait</text>'
has portrait 1 'class="curve"'
has drift 1 '>abs(energy − 0.5)</text>'
has elements 4 'class="curve"'
has elements 2 '>u₃</t'
has at_end 1 'class="curve"'
has columns 4 'class="curve"'
has clock 1 '>t</text>'
has points 2 'class="curve"'
has bars 1 'class="curve"'
has bars 1 '>number</text>'
has history 1 'class="heat"'
has history 1 '>space and time</text>'
has matrix 1 'class="heat"'
has matrix 1 'class="label-color"'
has discs 3 'class="picture"'
has moving 1 'attributeName="points"'
has moving_too 1 'class="now"'
has hanging 1 'class="pivot"'
has point 1 'marker-end='
has ring_run_line 2 '>q after its run</t'
for name in numbers portrait drift elements at_end columns clock points bars history matrix discs ring_run_line; do png "$name"; done
moves=yes
for name in moving moving_too hanging point; do png "$name"; done
count=$((count + 1))
[ -z "$(find out -name '*.part*')" ] || complain "something half written is left"

# Not a number is a gap, negative numbers on a logarithmic axis are said, and what is drawn of a run that stops is kept.
cat >gaps.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run leapfrog(h = 0.01) on s for 7 {
  plot line(t, sqrt(x)) to "root"
  plot line(t, x, log = y) to "signs"
}
LAG
run gaps.lag --out out
says 0 "gaps.lag:5:3: warning\[E0805\]: .x. is -[0-9.e-]+ here at times"
says 0 'help: plot its .abs'
count=$((count + 1))
[ "$(sed -n 's/.*class="curve"[^>]* d="\([^"]*\)".*/\1/p' out/root.svg | tr -cd M | wc -c)" -eq 2 ] || complain "root.svg has no gap"
cat >diverges.lag <<'LAG'
param x = 1
system s { potential = x^4 }
run gradient_descent(lr = 100) on s for 100 steps { plot line(k, x) every 1 steps to "way" }
LAG
run diverges.lag --out out
says 3 'wrote out/way.svg'
page 1 '<p class="fails">stopped: '
cat >hopes.lag <<'LAG'
coord x = 1
system s { kinetic = 1/2 * x'^2; potential = 1/2 * x^2 }
run a = leapfrog(h = 0.01) on s for 1 { plot line(t, x); print "x & so on" = x; expect x < 1 }
run b = leapfrog(h = 0.01) on s for 2 { plot line(t, x); record x every 1 }
expect x > 0
LAG
run hopes.lag --out out
says 4 '^wrote out/report.html$'
page 2 '<figure>'
page 1 '<tr class="holds">'
page 1 '<tr class="fails">'
page 1 '<code>x &lt; 1</code>'
page 1 'x &amp; so on 0.5'
page 1 'recorded: <a href="b.csv">'
page 2 'clipPath id="box-'

# Many copies: a line for each with a gap between them, all points together.
echo 'coord x = 1
system s { kinetic = x'"'"'^2 / 2; potential = x^2 / 2 }
run leapfrog(h = 0.1) on s for 2 over 3 copies { x from copy + 1; plot line(t, x) every 0.1; when x = 1 { plot scatter(x, t) to "hits" } }' >copies.lag
run copies.lag --out copies
says 0 'wrote copies/leapfrog_line.svg'
count=$((count + 2))
[ "$(grep -o 'class="curve"[^>]*' copies/leapfrog_line.svg | grep -o M | wc -l)" -eq 3 ] || complain "three copies are not three lines"
[ "$(grep -o 'class="curve"[^>]*' copies/hits.svg | grep -o M | wc -l)" -ge 2 ] || complain "the points of copies"
page 2 '<figure>'

# A full disk, a folder that cannot be made; without --out the folder has the program's name.
run gaps.lag --out /dev/null/here
says 3 'error: /dev/null/here'
mkdir -p "taken/root.svg"
run gaps.lag --out taken
says 3 'taken/root.svg: cannot be written: it is a directory'
run gaps.lag
says 0 '^wrote out/gaps/root.svg'
bash -c "ulimit -f 1; '$lag' run gaps.lag --no-cache --out limited" >said 2>&1
status=$?
says 3 'limited/root.svg: cannot be written: larger than the file size allowed'
count=$((count + 1))
[ -z "$(ls limited 2>/dev/null)" ] || complain "something half written is left in a full folder"

# Where the library that makes PNG cannot be opened, SVG is drawn and the message says what brings it.
if ! grep -q __asan_init "$lag"; then
  mkdir broken
  echo 'not a library' >broken/librsvg-2.so.2
  rm -rf out
  LD_LIBRARY_PATH=$PWD/broken "$lag" run gaps.lag --out out >said 2>&1
  status=$?
  says 0 'pictures are drawn as SVG but not as PNG: the library librsvg-2.so.2 was not found; .*apt install librsvg2-2'
  says 0 '^wrote out/root.svg$'
  count=$((count + 1))
  [ -s out/root.svg ] && [ ! -e out/root.png ] || complain "root.svg without its library"
fi

# A run that draws nothing opens nothing.
if command -v strace >/dev/null; then
  echo 'coord x = 1
system s { kinetic = x^2 / 2 + x'"'"'^2 / 2 }
run leapfrog on s for 1' >plain.lag
  count=$((count + 1))
  strace -f -e trace=openat "$lag" run plain.lag 2>&1 | grep -q librsvg && complain "librsvg is opened without a picture"
fi

echo "$count looked at, $failed failed"
[ "$failed" -eq 0 ]
