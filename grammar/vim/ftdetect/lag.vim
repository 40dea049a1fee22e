autocmd BufRead,BufNewFile *.lag setfiletype lag
