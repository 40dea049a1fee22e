#!/usr/bin/env bash
# Every example gives the same bits on 1, 2 and 3 threads: all files it writes are compared, byte for byte.
#   threads.sh LAG EXAMPLES
# One epoch stands for several: what is compared is there after it, and whether its `expect` holds is another test.
set -u
lag=$(realpath "$1")
examples=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

# gcc's leak checker now and then dies of itself, which it says; such a run says nothing of the program and is repeated.
run() {
  local turn status
  for turn in 1 2 3; do
    "$lag" run "$@" >"$work/said" 2>&1
    status=$?
    grep -q 'LeakSanitizer has encountered a fatal error' "$work/said" || break
  done
  return $status
}

for program in "$examples"/*/*.lag; do
  name=$(basename "$program" .lag)
  shorter=()
  grep -qE '^const .*\bepochs *=' "$program" && shorter=(--set epochs=1)
  for threads in 1 2 3; do
    run "$program" "${shorter[@]}" --quiet --threads "$threads" --out "$work/$name/$threads"
    status=$?
    if [ "$status" -ne 0 ] && ! { [ "$status" -eq 4 ] && [ ${#shorter[@]} -gt 0 ]; }; then
      echo "FAILED: $name on $threads threads: exit status $status"
      sed 's/^/  | /' "$work/said"
      failed=$((failed + 1))
    fi
  done
  if [ -z "$(find "$work/$name/1" -type f -size +0 2>/dev/null)" ]; then
    echo "FAILED: $name writes nothing to compare"
    failed=$((failed + 1))
  fi
  for threads in 2 3; do
    count=$((count + 1))
    diff -rq "$work/$name/1" "$work/$name/$threads" || { echo "FAILED: $name: 1 and $threads threads"; failed=$((failed + 1)); }
  done
done

echo "$count comparisons of threads, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
