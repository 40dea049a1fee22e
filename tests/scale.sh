#!/usr/bin/env bash
# What is derived and planned grows as the program does: sizes, not times. A program four times as long may be printed
# in at most 4.5 times as many characters after derivation and after planning: four times as many statements, whose
# numbers take one digit more here and there.
set -eu
lag=$1
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Characters of one stage of a program of this kind and length.
amount() {
  "$here/scale/program" "$2" "$3" >"$work/program.lag"
  "$lag" run --emit="$1" "$work/program.lag" >"$work/said" || { echo "$2 $3: --emit=$1 failed"; exit 1; }
  wc -c <"$work/said"
}

for kind in terms chain coords params data records lines; do
  for stage in ir plan; do
    small=$(amount $stage $kind 60)
    large=$(amount $stage $kind 240)
    if [ "$small" -lt 200 ] || [ $((large * 2)) -gt $((small * 9)) ]; then
      echo "$kind: $small characters of $stage at 60, $large at 240"
      failed=1
    fi
  done
done
exit $failed
