# Links OUT: the functions that LIST names (llvm_functions.def), from LLVM's static ARCHIVES, with what they need and nothing else. It is
# opened in a fifth of the time of LLVM's own library, most of whose relocations are other processors' and whose other half is
# the libraries it needs. Where it cannot be linked an empty file is left, and LLVM's own library is opened instead.
cmake_minimum_required(VERSION 3.20)
string(REPLACE "|" ";" ARCHIVES "${ARCHIVES}")
file(STRINGS ${LIST} lines)
set(exports "")
set(wanted "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE ".*, ([A-Za-z0-9_]+)\\).*" "\\1" name "${line}")
  string(APPEND exports " ${name};")
  list(APPEND wanted "-Wl,-u,${name}")
endforeach()
file(WRITE ${OUT}.map "{ global:${exports} local: *; };\n")
execute_process(
  COMMAND ${CC} -shared -o ${OUT} ${wanted} -Wl,--version-script=${OUT}.map -Wl,--gc-sections -Wl,-Bsymbolic
          -Wl,-z,relro,-z,now ${ARCHIVES} -lm -ldl -lpthread
  RESULT_VARIABLE failed ERROR_VARIABLE why)
if(failed)
  message(WARNING "LLVM's own library will be opened, which takes some 15 ms more whenever code is generated: ${why}")
  file(WRITE ${OUT} "")
endif()
