#!/usr/bin/env bash
# The order of every integrator of the library, measured by `lag derive --order` and equal to what its name and its description
# say: each `dynamics` of the files below joins by itself. The number at the end of a name is its order, and so is the last
# "order four" of its description; a word with a heat bath has none.
#   orders.sh LAG
set -eu
lag=$(realpath "$1")
library=$(realpath "$(dirname "$0")/../stdlib")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
complain() { echo "$*"; failed=1; }

# Two springs with a cubic coupling, and for motions of first order the way down in its potential.
cat >system.lag <<'LAG'
coord x = 0.3, y = -0.2, x' = 0.2, y' = 0.3
param u = 0.4, v = -0.3
system springs { kinetic = 1/2 * (x'^2 + y'^2); potential = 1/2 * (x^2 + y^2) + x^2 * y - y^3 / 3 }
system slope { potential = 1/2 * (u^2 + v^2) + u^2 * v - v^3 / 3 }
system warm { potential = u^4; dissipation = 1/2 * u'^2; temperature = 1 }
LAG

# NAME ORDER of every dynamics: the order its description says, or `-`. Comments up to it are joined.
described() {
  awk '/^#/ { text = text " " substr($0, 2); next }
       /^dynamics/ { sub(/^dynamics /, ""); sub(/\(.*/, ""); print $0 "\t" text }
       { text = "" }' "$@" |
    while IFS=$'\t' read -r name text; do
      order=$(grep -oiE 'order (one|two|three|four|five|six|seven|eight|nine|ten|2 stages|2 degree)' <<<"$text" | tail -n 1 |
        tr '[:upper:]' '[:lower:]' | sed 's/order //
          s/one/1/; s/two/2/; s/three/3/; s/four/4/; s/five/5/; s/six/6/; s/seven/7/; s/eight/8/; s/nine/9/; s/ten/10/
          s/2 stages/4/; s/2 degree/4/')
      echo "$name ${order:--}"
    done
}
described "$library/integrators.lag" "$library/compositions.lag" >promised

# Arguments that change the order, and the order they make.
cat >more <<'LIST'
gauss(h=0.1,stages=1) 2
gauss(h=0.1,stages=3) 6
gauss(h=0.1,stages=4) 8
gauss(h=0.5,stages=5) 10
gauss(h=0.5,stages=6) 12
gauss(h=0.5,stages=7) 14
gauss(h=0.5,stages=8) 16
galerkin(h=0.1,degree=1) 2
galerkin(h=0.1,degree=1,lobatto=2) 2
galerkin(h=0.1,degree=2,lobatto=2) 2
galerkin(h=0.1,degree=2,lobatto=3) 4
galerkin(h=0.1,degree=3) 6
galerkin(h=0.1,degree=3,points=4) 6
galerkin(h=0.1,degree=3,lobatto=3) 4
galerkin(h=0.1,degree=3,lobatto=4) 6
galerkin(h=0.1,degree=4,lobatto=5) 8
taylor(order=4) 4
taylor(order=8) 8
taylor(order=13) 13
LIST

# Runs the list "DYNAMICS ORDER" on a system and leaves "DYNAMICS ORDER VERDICT DERIVED MEASURED" in the file.
measure() { # LIST SYSTEM OUT
  { cat system.lag; awk -v system_name="$2" '{ print "run " $1 " on " system_name " for 20" }' "$1"; } >program.lag
  "$lag" derive --order --json program.lag >said 2>errors || [ $? -eq 4 ] || { cat errors; complain "derive --order on $2 failed"; }
  grep '"event":"order"' said | sed -E 's/.*"verdict":"([^"]*)".*/\1 &/; s/ \{/ - - {/
    s/^([^ ]+|not settled) - -(.*"measured":([^,]*),.*"derived":([^,]*),.*)/\1 \4 \3 \2/' | sed 's/not settled/unsettled/' |
    awk '{ print $1, $2, $3 }' | paste -d ' ' "$1" - >"$3"
}

grep '^gradient_flow ' promised >downhill # first-order motions have systems of their own
grep '^euler_maruyama ' promised >noisy
grep -vE '^(gradient_flow|euler_maruyama) ' promised >swinging
measure swinging springs measured
for list in "more springs" "downhill slope" "noisy warm"; do
  measure $list some
  cat some >>measured
done

[ "$(wc -l <measured)" -eq $(($(wc -l <promised) + $(wc -l <more))) ] || complain "not every dynamics was measured"
while read -r name order verdict derived slope; do
  of_name=$(grep -oE '[0-9]+$' <<<"$name" || true)
  case $name in mclachlan_ss5 | dopri5 | dop853 | taylor) of_name= ;; esac # stages; a pair of orders; the order is chosen
  case $verdict in
  none)
    [ "$order" = - ] || complain "$name: of order $order, and none is measured"
    continue
    ;;
  agrees | measured) ;;
  *) complain "$name: $verdict: measured $slope, derived $derived" ;;
  esac
  [ "$name" = taylor ] && continue # 20, which its tolerance makes
  [ "$order" != - ] || complain "$name: its description in stdlib/ does not say its order (\"order two\")"
  [ "$verdict" = measured ] || [ "$order" = "$derived" ] || complain "$name: of order $order by its description, $derived by its derivation"
  [ -z "$of_name" ] || [ "$order" = "$of_name" ] || complain "$name: of order $order by its description"
  awk -v a="$slope" -v b="$order" 'BEGIN { exit !(a >= b - 0.25 - 0.1 * (b > 7) * (b - 6) && a <= b + 0.5 + 0.08 * b) }' ||
    complain "$name: of order $order, and $slope is measured"
done <measured

[ "$failed" -eq 0 ] && echo "the orders of $(wc -l <measured) integrators are those of their names"
exit "$failed"
