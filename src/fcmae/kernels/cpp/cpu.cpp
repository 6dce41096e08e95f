// What a build is: asked before anything else. Compiled like the rest.

#include "vectors.h"

// The functions of these files, their arguments and what they mean. Raise it with any of them, here and in
// native.py, so that a build of other sources is recognised and passed over instead of called.
EXPORT int fcmae_interface() { return 3; }

// Whether this CPU has the instructions that PyTorch does not tell of.
EXPORT int fcmae_runs_here() {
#if defined(__AVX512BF16__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return 1;
#endif
}

// Whether Intel made this CPU, whose own library multiplies well there.
EXPORT int fcmae_on_intel() {
#if defined(__x86_64__)
    return __builtin_cpu_is("intel") != 0;
#else
    return 0;
#endif
}
