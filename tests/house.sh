#!/usr/bin/env bash
# The arrows of the house: an #include may only point to the same folder or to one earlier in the list; LLVM's headers
# are for emit/ and jit/ alone; of a folder of the runtime, others include the header named after it and its tables.
# What tables list is shown by tests and named in the reference.
set -u
cd "$(dirname "$0")/.."
failed=0
complain() { echo "$1"; failed=1; }

order=(base ast ir calculus sema mechanics plan emit jit driver)
rank() { local i; for i in "${!order[@]}"; do [ "${order[$i]}" = "$1" ] && { echo "$i"; return; }; done; echo -1; }

for file in compiler/*/*.[ch] grammar/*.[ly]; do
  folder=$(basename "$(dirname "$file")")
  [ "$folder" = grammar ] && folder=ast
  here=$(rank "$folder")
  [ "$here" -ge 0 ] || { complain "$file: folder $folder is not in the list of stages"; continue; }
  while IFS= read -r line; do
    target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$line")
    case "$target" in
      */runtime/arena.h) ;; # memory, which both sides stand on
      *runtime/*) [ "$folder" != base ] && [ "$folder" != ast ] || complain "$file: includes $target" ;;
      */*)
        there=$(rank "$(basename "$(dirname "$target")")")
        [ "$there" -ge 0 ] && [ "$there" -le "$here" ] || complain "$file: backward arrow to $target"
        ;;
    esac
  done < <(grep -hE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$file")
  if grep -qE '#[[:space:]]*include[[:space:]]*<llvm' "$file" && [ "$folder" != emit ] && [ "$folder" != jit ]; then
    complain "$file: an LLVM header outside emit/ and jit/"
  fi
  if [ "$folder" != driver ]; then
    grep -nE '(^|[^_a-z])(exit|printf|puts|abort)[[:space:]]*\(' "$file" | while read -r hit; do
      echo "$file:$hit: only driver/ prints or exits"
    done | grep . && failed=1
  fi
done

# A cast in a switch hides from the compiler which cases are missing.
for file in compiler/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch] tests/unit/*/*.[ch]; do
  grep -nE 'switch \(\((int|unsigned|uint[0-9]+_t)\)' "$file" | grep . && complain "$file: a switch over a cast; over all kinds, or no switch"
done

for file in runtime/*.[ch] runtime/*/*.[ch]; do
  grep -nE '#[[:space:]]*include.*(compiler/|llvm)' "$file" && complain "$file: the runtime knows nothing of the compiler"
done

# The families of the runtime in the order of its README, and what of a family is for others.
families=" core random linalg load data integrate report plot run program native "
while IFS=: read -r file target; do
  of=${target%/*} name=${target##*/}
  of=${of##*/}
  [[ $families == *" $of "* ]] || continue # the runtime's own headers, or the compiler's
  [ "$name" = "$of.h" ] || [ "${name%.def}" != "$name" ] || complain "$file: $target is private to its folder"
  case "$file" in
    runtime/*/*)
      here=${file#runtime/}
      here=${families%% "${here%%/*}" *} there=${families%% "$of" *}
      [ ${#there} -le ${#here} ] || complain "$file: backward arrow to $target"
      ;;
  esac
done < <(grep -oE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]*/[^"]*"' compiler/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch] \
  runtime/*/*.inc | sed -E 's/:.*"([^"]+)"$/:\1/')
for file in runtime/*/*.c; do
  of=${file#runtime/}
  [[ $families == *" ${of%%/*} "* ]] || complain "$file: its folder is not in the list of families"
done

for file in compiler/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch]; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 1000 ] || complain "$file: $lines lines; a room past 1000 wants dividing"
done

# One way to write a function's head: its brace ends the line.
for file in compiler/*/*.[ch] runtime/*.[ch] runtime/*/*.[ch] runtime/*/*.inc tests/unit/*/*.[ch] tests/fuzz/*.h tests/fuzz/*/*.c; do
  grep -n '^{$' "$file" | grep . && complain "$file: a brace on a line of its own"
done

# Every message is shown by a test: a program, the command line, or, where no program gets there, a unit test.
codes=$(grep -oE '"E[0-9]{4}"' compiler/base/diag.def | tr -d '"' | sort)
shown=$(grep -rhoE 'E[0-9]{4}' tests/golden tests/cli.sh tests/unit grammar/LANGUAGE.md --include='*.lag' --include='*.sh' \
  --include='*.c' --include='*.md' | sort -u)
for code in $(comm -23 <(uniq <<<"$codes") <(echo "$shown")); do complain "$code: no test shows this message"; done
for code in $(uniq -d <<<"$codes"); do complain "$code: given to two messages"; done

# What a program may write is named in the reference, between back quotes and outside of its examples.
named=$(awk '/^```/ { block = !block; next } !block' grammar/LANGUAGE.md | grep -oE '`[^`]+`' | grep -oE '[[:alpha:]_][[:alnum:]_]*' | sort -u)
entries() { sed -nE "s/^ *($1)\\(([A-Z0-9_]+, )?\"?([a-z_][a-z0-9_]*)\"?[,)].*/\\3/p" "$2"; } # TABLE'S-WORDS FILE: the names
ask() {                                                                         # WHAT NAME…
  local what=$1 name
  shift
  [ "$#" -gt 0 ] || complain "no $what found in its table"
  for name in "$@"; do
    grep -qxF "$name" <<<"$named" || complain "$what $name: grammar/LANGUAGE.md does not name it"
  done
}
ask function $(entries 'FN1|FN2|REDUCE' compiler/ir/op.def)
ask function $(entries 'MAP1|MAP2|SPECIAL' compiler/sema/builtins.def)
ask distribution $(entries 'SCALAR|TENSOR' compiler/sema/distributions.def)
ask format $(entries FORMAT runtime/data/formats.def)
ask method $(entries 'METHOD|ABSENT|SCHEME' runtime/integrate/methods.def)
ask "statement word" $(sed -nE 's/^ *\{WORD_([a-z]+), [A-Z].*/\1/p' compiler/ast/tokens.c)

# What a format's file holds is said by a test that reads it.
for name in $(entries FORMAT runtime/data/formats.def); do
  grep -qF ".format = \"$name\"" tests/unit/rt_data/test_data_read.c || complain "format $name: test_data_read.c does not read it"
done

# A method, or implicit step, is called by a dynamics of the library, and every dynamics of the library by a program.
for name in $(entries 'METHOD|SCHEME' runtime/integrate/methods.def); do
  grep -qE "^ *method $name\b" stdlib/*.lag || complain "method $name: no dynamics in stdlib/ hands a motion to it"
done
runs=$(grep -rhoE '\brun ([[:alnum:]_]+ = )?[[:alnum:]_]+' tests/golden tests/numeric examples grammar/LANGUAGE.md README.md |
  sed 's/.* //' | sort -u)
runs+=$'\n'$(sed -nE 's/^ *\{"([a-z_0-9]+)", \{"[a-z]+".*/\1/p' tests/numeric/rules/optimizers.c) # written out by that program
for name in $(sed -nE 's/^dynamics ([a-z0-9_]+).*/\1/p' stdlib/*.lag); do
  grep -qxF "$name" <<<"$runs" || complain "dynamics $name of stdlib/: no program of the tests runs it"
done

[ "$failed" -eq 0 ] && echo "the arrows point one way"
exit "$failed"
