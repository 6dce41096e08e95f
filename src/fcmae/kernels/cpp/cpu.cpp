// Whether this CPU has the instructions that PyTorch does not tell of. Compiled like the rest, and called first.

#include "vectors.h"

EXPORT int fcmae_runs_here() {
#if defined(__AVX512BF16__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return 1;
#endif
}
