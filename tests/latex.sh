#!/usr/bin/env bash
# The LaTeX of every derivation that has a golden text, and of every example, compiles. Without pdflatex this fails and
# says so: `bootstrap test --all` installs it.
set -eu
lag=$1
here=$(cd "$(dirname "$0")" && pwd)
command -v pdflatex >/dev/null || { echo "latex: pdflatex is not installed (Debian: texlive-latex-base)"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 n=0
for text in "$here"/golden/derive/*.txt "$here"/../examples/*/*.lag; do
  program=${text%.txt}
  program=${program%.lag}.lag
  n=$((n + 1))
  "$lag" derive --latex "$program" >"$work/derivation.tex" || { echo "$program: no derivation"; failed=1; continue; }
  if ! (cd "$work" && pdflatex -interaction=nonstopmode -halt-on-error derivation.tex >said 2>&1); then
    echo "$program: its LaTeX does not compile:"
    grep -A3 '^!' "$work/said" | head -8
    failed=1
  fi
done
echo "$n derivations"
[ $n -gt 15 ] || { echo "latex: too few derivations were found"; failed=1; }
exit $failed
