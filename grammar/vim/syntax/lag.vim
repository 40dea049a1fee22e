" Vim syntax of .lag files. Copy grammar/vim/ into ~/.vim/ (or into a package folder).
if exists('b:current_syntax')
  finish
endif

syntax keyword lagDeclare const param coord let fn
syntax match   lagDeclare /\v^\s*\zs(data|spin|bit|angle|unit|state|use|precision|symmetry)\ze\s+\K/
syntax match   lagDeclare /\v^\s*\zs(system|dynamics|run|flow|method|step|record|print|plot|save|expect|when|stop|repeat)\ze(\s|\{)/
syntax match   lagClause  /\v\s\zs(on|for|over|every|within|from|by|to|of|periodic)\ze\s/
syntax keyword lagOperatorWord if then else and or not in draw
syntax match   lagTerm    /\v<(kinetic|potential|dissipation|lagrangian|hamiltonian|force|constraint|temperature|metric|proposal|accept)>/
syntax match   lagReduce  /\v<(sum|prod|mean|max|min|logsumexp|argmax|argmin|any|all)>\ze[\[(]/
syntax keyword lagDerive  grad hess jvp vjp frozen stationary root
syntax keyword lagType    real int bool f32 f64 byte simplex ordered sphere stiefel cholesky_corr corr cov
syntax keyword lagConst   true false pi inf
syntax match   lagNumber  /\v<\d[0-9_]*(\.\d+)?([eE][+-]?\d+)?>|[½¼¾⅓⅔]|[⁰¹²³⁴⁵⁶⁷⁸⁹]+/
syntax region  lagString  start=/"/ skip=/\\./ end=/"/ oneline
syntax match   lagComment /#.*$/ contains=@Spell

highlight default link lagDeclare Keyword
highlight default link lagClause Keyword
highlight default link lagOperatorWord Operator
highlight default link lagTerm Identifier
highlight default link lagReduce Function
highlight default link lagDerive Function
highlight default link lagType Type
highlight default link lagConst Constant
highlight default link lagNumber Number
highlight default link lagString String
highlight default link lagComment Comment


let b:current_syntax = 'lag'
