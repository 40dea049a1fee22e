# expect — for the tests that meet the command line as a user does; read by them with `.`.
failed=0
count=0

# expect STATUS 'PATTERN' COMMAND… : the exit status, and a pattern in what it says.
expect() {
  local want=$1 pattern=$2 said status
  shift 2
  said=$("$@" 2>&1 </dev/null)
  status=$?
  count=$((count + 1))
  if [ "$status" -ne "$want" ] || ! grep -qE -- "$pattern" <<<"$said"; then
    echo "FAILED: $*"
    echo "  exit status $status, expected $want; expected to say: $pattern"
    sed 's/^/  | /' <<<"$said"
    failed=$((failed + 1))
  fi
}
