/* Every line of rt_abi.def against its prototype in rt_kernels.h: a difference does not compile. */
#include "../rt.h"
#include "../rt_abi.h"

#define RT_FN(result, name, ...)                                                                             \
    _Static_assert(                                                                                          \
        __builtin_types_compatible_p(__typeof__(name), RT_C_##result(RT_ABI_MAP(RT_C_, __VA_ARGS__))),       \
        #name " differs between rt_abi.def and rt_kernels.h");
#include "../rt_abi.def"
