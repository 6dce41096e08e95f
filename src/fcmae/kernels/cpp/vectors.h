// Vectors of channels, and PyTorch's threads. No file here links against PyTorch or OpenMP.
//
// The same sources are built several times with other compiler flags (pyproject.toml); Python loads the
// build that the CPU can run, through ctypes. LANES channels are computed side by side.

#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {  // every file has its own copy, all inlined

typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef float LooseVec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef uint16_t Half __attribute__((vector_size(2 * LANES)));
typedef uint16_t LooseHalf __attribute__((vector_size(2 * LANES), aligned(2)));

typedef uint16_t bfloat16;  // its bits
enum Type { FLOAT32 = 0, BFLOAT16 = 1 };

// ---------------------------------------------------------------- loading and storing vectors

inline Vec load_all(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }

inline Vec load_all(const bfloat16* p) {
    Half half = *reinterpret_cast<const LooseHalf*>(p);
    return (Vec)(__builtin_convertvector(half, Bits) << 16);
}

inline void store_all(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }

#if defined(__AVX512BF16__)

inline Half to_half(Vec v) { return (Half)_mm512_cvtneps_pbh((__m512)v); }

#else

inline Half to_half(Vec v) {
    Bits bits = (Bits)v;
    Bits rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // to nearest, ties to even
    Bits nan = (Bits)(v != v);
    return __builtin_convertvector((nan & 0x7fc0) | (~nan & rounded), Half);
}

#endif

inline void store_all(bfloat16* p, Vec v) { *reinterpret_cast<LooseHalf*>(p) = to_half(v); }

// The last vector of a row may have fewer channels than lanes; the others are zero.
#if defined(__AVX512F__)

inline Vec load_some(const float* p, int count) {
    return (Vec)_mm512_maskz_loadu_ps((1u << count) - 1, p);
}

inline Vec load_some(const bfloat16* p, int count) {
    Half half = (Half)_mm256_maskz_loadu_epi16((1u << count) - 1, p);
    return (Vec)(__builtin_convertvector(half, Bits) << 16);
}

inline void store_some(float* p, Vec v, int count) {
    _mm512_mask_storeu_ps(p, (1u << count) - 1, (__m512)v);
}

inline void store_some(bfloat16* p, Vec v, int count) {
    _mm256_mask_storeu_epi16(p, (1u << count) - 1, (__m256i)to_half(v));
}

#else

template <typename T>
inline Vec load_some(const T* p, int count) {
    T part[LANES] = {};
    std::memcpy(part, p, count * sizeof(T));
    return load_all(part);
}

template <typename T>
inline void store_some(T* p, Vec v, int count) {
    T part[LANES];
    store_all(part, v);
    std::memcpy(p, part, count * sizeof(T));
}

#endif

template <typename T>
inline Vec load(const T* p, int count) {
    return count == LANES ? load_all(p) : load_some(p, count);
}

template <typename T>
inline void store(T* p, Vec v, int count) {
    count == LANES ? store_all(p, v) : store_some(p, v, count);
}

// Between two bounds; a number that is none comes out as a bound.
inline Vec within(Vec x, float low, float high) {
#if defined(__AVX512F__)
    return (Vec)_mm512_min_ps(_mm512_max_ps((__m512)x, _mm512_set1_ps(low)), _mm512_set1_ps(high));
#else
    x = (Vec)((x > low) ? (Bits)x : (Bits)(Vec{} + low));
    return (Vec)((x < high) ? (Bits)x : (Bits)(Vec{} + high));
#endif
}

// By halves: one sum after the other would wait for each.
inline float total(Vec v) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)v);
#else
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; ++i) v[i] += v[i + half];
    return v[0];
#endif
}

// Zero in the lanes beyond the last channel, one elsewhere.
inline Vec existing(int count) {
    Vec v;
    for (int i = 0; i < LANES; ++i) v[i] = i < count ? 1.0f : 0.0f;
    return v;
}

inline int64_t vectors(int64_t channels) { return (channels + LANES - 1) / LANES; }

// Channels of a vector that exist.
inline int lanes(int64_t channels, int64_t vector) {
    int64_t left = channels - vector * LANES;
    return left < LANES ? int(left) : LANES;
}

// Aligned memory of one thread; false if there was none.
struct Buffer {
    int64_t size;
    float* data;

    explicit Buffer(int64_t floats)
        : size(floats),
          data(static_cast<float*>(std::aligned_alloc(sizeof(Vec), floats * sizeof(float)))) {}
    ~Buffer() { std::free(data); }
    Buffer(const Buffer&) = delete;
    explicit operator bool() const { return data; }
    void zero() const { std::memset(data, 0, size * sizeof(float)); }
};

// ---------------------------------------------------------------- threads

// GOMP_parallel(function, argument, threads, flags), which OpenMP runtimes offer; null for one thread.
typedef void (*Parallel)(void (*)(void*), void*, unsigned, unsigned);

// Every thread takes the next task until none is left. `make` builds what a thread needs for itself; it
// is false if memory ran out.
template <typename Make, typename Task>
int for_each(int64_t tasks, Parallel parallel, int threads, const Make& make, const Task& task) {
    struct Shared {
        int64_t tasks;
        const Make& make;
        const Task& task;
        std::atomic<int64_t> next{0};
        std::atomic<bool> failed{false};
    } shared{tasks, make, task};
    auto work = [](void* argument) {
        Shared& shared = *static_cast<Shared*>(argument);
        auto own = shared.make();
        if (!own) return shared.failed.store(true);
        for (int64_t i; (i = shared.next++) < shared.tasks;) shared.task(own, i);
    };
    if (parallel && threads > 1 && tasks > 1)
        parallel(work, &shared, unsigned(threads < tasks ? threads : tasks), 0);
    else
        work(&shared);
    return shared.failed ? 1 : 0;
}

}  // namespace
