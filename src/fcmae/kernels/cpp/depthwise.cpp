// The depthwise 7 x 7 convolution on visible positions: output, input gradient (the same with the kernel
// turned round) and weight gradient.
//
// Features lie as n p c. The p positions of an image are K tiles (visible patches, or one tile that is
// the whole map) of tile_h x tile_w positions. `order` says where in a tile the position (row, column)
// lies (Z-order under a mask); null means raster order.

#include "vectors.h"

#if defined(__AVX512F__) || defined(__aarch64__)
#define ROWS_AT_ONCE 4  // 4 rows of 7 sums: 28 of 32 registers
#else
#define ROWS_AT_ONCE 1  // 16 registers
#endif

namespace {

constexpr int K = 7, PAD = 3, TAPS = K * K, RUN = 8;

// ---------------------------------------------------------------- where positions lie

struct Geometry {
    int64_t images, channels;
    int64_t height, width;          // of the map, in positions
    int64_t tiles, tile_h, tile_w;  // tiles of an image, and their size in positions
    const int64_t* places;          // images x tiles: raster index in the grid of tiles; null: 0
    const int32_t* order;           // tile_h x tile_w, or null

    // Where in a tile's features the position (r, s) lies.
    int64_t inside(int64_t r, int64_t s) const {
        int64_t raster = r * tile_w + s;
        return (order ? order[raster] : raster) * channels;
    }
    // Calls visit(top, left, first): a tile's corner on the map and its first feature.
    template <typename Visit>
    void each_tile(int64_t image, const Visit& visit) const {
        int64_t columns = width / tile_w, size = tile_h * tile_w * channels;
        for (int64_t t = 0; t < tiles; ++t) {
            int64_t place = places ? places[image * tiles + t] : 0;
            visit(place / columns * tile_h, place % columns * tile_w, (image * tiles + t) * size);
        }
    }
};

// One image and one vector of channels as a map with a border of zeros.
struct Map {
    int64_t stride, size;
    Vec* data;

    explicit Map(const Geometry& g)
        : stride(g.width + 2 * PAD + RUN), size((g.height + 2 * PAD) * stride) {
        data = static_cast<Vec*>(std::aligned_alloc(sizeof(Vec), size * sizeof(Vec)));
        if (data) std::memset(data, 0, size * sizeof(Vec));
    }
    ~Map() { std::free(data); }
    Map(const Map&) = delete;
    explicit operator bool() const { return data; }

    // The top left corner of the 7 x 7 window around position (y, x).
    Vec* window(int64_t y, int64_t x) const { return data + y * stride + x; }

    template <typename T>
    void fill(const Geometry& g, int64_t image, const T* x, int count) const {
        g.each_tile(image, [&](int64_t top, int64_t left, int64_t first) {
            for (int64_t r = 0; r < g.tile_h; ++r) {
                Vec* to = window(top + r + PAD, left + PAD);
                for (int64_t s = 0; s < g.tile_w; ++s)
                    to[s] = load(x + first + g.inside(r, s), count);
            }
        });
    }
    // Only what fill wrote: the rest is zero already.
    void clear(const Geometry& g, int64_t image) const {
        g.each_tile(image, [&](int64_t top, int64_t left, int64_t) {
            for (int64_t r = 0; r < g.tile_h; ++r)
                std::memset(window(top + r + PAD, left + PAD), 0, g.tile_w * sizeof(Vec));
        });
    }
};

// ---------------------------------------------------------------- the arithmetic

// `length` neighbouring outputs of one row: each input is loaded once for all windows it lies in.
template <int LENGTH>
inline void convolve(const Vec* window, int64_t stride, const Vec* weight, Vec bias, Vec* out) {
    Vec sum[LENGTH];
#pragma GCC unroll 8
    for (int i = 0; i < LENGTH; ++i) sum[i] = bias;
    for (int dy = 0; dy < K; ++dy) {
        const Vec* in = window + dy * stride;
        const Vec* w = weight + dy * K;
#pragma GCC unroll 16
        for (int j = 0; j < LENGTH + K - 1; ++j) {
            Vec v = in[j];
#pragma GCC unroll 8
            for (int i = 0; i < LENGTH; ++i)
                if (j - i >= 0 && j - i < K) sum[i] += v * w[j - i];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < LENGTH; ++i) out[i] = sum[i];
}

inline void convolve(int64_t length, const Vec* window, int64_t stride, const Vec* weight, Vec bias,
                     Vec* out) {
    if (length > 4) return convolve<8>(window, stride, weight, bias, out);
    if (length > 2) return convolve<4>(window, stride, weight, bias, out);
    if (length > 1) return convolve<2>(window, stride, weight, bias, out);
    return convolve<1>(window, stride, weight, bias, out);
}

template <typename T>
void forward_map(const Geometry& g, int64_t image, int count, const Map& map, const Vec* weight,
                 Vec bias, T* y) {
    g.each_tile(image, [&](int64_t top, int64_t left, int64_t first) {
        for (int64_t r = 0; r < g.tile_h; ++r)
            for (int64_t s = 0; s < g.tile_w; s += RUN) {
                int64_t length = g.tile_w - s < RUN ? g.tile_w - s : RUN;
                Vec out[RUN];
                convolve(length, map.window(top + r, left + s), map.stride, weight, bias, out);
                for (int64_t i = 0; i < length; ++i)
                    store(y + first + g.inside(r, s + i), out[i], count);
            }
    });
}

// Gradient of ROWS rows of the kernel, summed over one image. With PAIRS two neighbouring positions
// share the inputs of their windows.
template <int ROWS, bool PAIRS, typename T>
void correlate(const Geometry& g, int64_t image, int count, const Map& map, int first_row,
               const T* grad, Vec* sums, Vec* grad_bias) {
    Vec sum[ROWS * K];
    Vec bias = {};
#pragma GCC unroll 32
    for (int i = 0; i < ROWS * K; ++i) sum[i] = sums[first_row * K + i];
    g.each_tile(image, [&](int64_t top, int64_t left, int64_t first) {
        for (int64_t r = 0; r < g.tile_h; ++r) {
            const Vec* row = map.window(top + r + first_row, left);
            for (int64_t s = 0; s < g.tile_w; s += PAIRS ? 2 : 1) {
                Vec a = load(grad + first + g.inside(r, s), count);
                Vec b = {};
                if (PAIRS && s + 1 < g.tile_w) b = load(grad + first + g.inside(r, s + 1), count);
                bias += a + b;
#pragma GCC unroll 8
                for (int dy = 0; dy < ROWS; ++dy) {
                    const Vec* in = row + dy * map.stride + s;
#pragma GCC unroll 8
                    for (int j = 0; j < K + (PAIRS ? 1 : 0); ++j) {
                        Vec v = in[j];
                        if (j < K) sum[dy * K + j] += v * a;
                        if (PAIRS && j > 0) sum[dy * K + j - 1] += v * b;
                    }
                }
            }
        }
    });
#pragma GCC unroll 32
    for (int i = 0; i < ROWS * K; ++i) sums[first_row * K + i] = sum[i];
    if (first_row == 0) *grad_bias += bias;
}

template <bool PAIRS, typename T>
void correlate_all(const Geometry& g, int64_t image, int count, const Map& map, const T* grad,
                   Vec* sums, Vec* grad_bias) {
    constexpr int REST = K % ROWS_AT_ONCE;
    int row = 0;
    for (; row + ROWS_AT_ONCE <= K; row += ROWS_AT_ONCE)
        correlate<ROWS_AT_ONCE, PAIRS>(g, image, count, map, row, grad, sums, grad_bias);
    if constexpr (REST > 0)
        correlate<REST, PAIRS>(g, image, count, map, row, grad, sums, grad_bias);
}

Geometry read(const int64_t* numbers, const int64_t* places, const int32_t* order) {
    return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
            numbers[5], numbers[6], places,     order};
}

template <typename T>
int forward(const Geometry& g, const void* input, const float* weight, const float* bias,
            void* output, Parallel parallel, int threads) {
    const T* x = static_cast<const T*>(input);
    T* y = static_cast<T*>(output);
    auto make = [&] { return Map(g); };
    return for_each(g.images * vectors(g.channels), parallel, threads, make, [&](Map& map, int64_t i) {
        int64_t vector = i / g.images, image = i % g.images, channel = vector * LANES;
        int count = lanes(g.channels, vector);
        Vec taps[TAPS], shift = {};
        for (int tap = 0; tap < TAPS; ++tap)
            taps[tap] = load(weight + tap * g.channels + channel, count);
        if (bias) shift = load(bias + channel, count);
        map.fill(g, image, x + channel, count);
        forward_map(g, image, count, map, taps, shift, y + channel);
        map.clear(g, image);
    });
}

template <typename T>
int backward_weight(const Geometry& g, const void* input, const void* upstream,
                    int64_t images_per_part, float* grad_weight, Parallel parallel, int threads) {
    const T *x = static_cast<const T*>(input), *grad = static_cast<const T*>(upstream);
    int64_t parts = (g.images + images_per_part - 1) / images_per_part;
    auto make = [&] { return Map(g); };
    return for_each(parts * vectors(g.channels), parallel, threads, make, [&](Map& map, int64_t i) {
        int64_t vector = i / parts, part = i % parts, channel = vector * LANES;
        int count = lanes(g.channels, vector);
        Vec sums[TAPS] = {}, bias = {};
        int64_t first = part * images_per_part, last = first + images_per_part;
        for (int64_t image = first; image < last && image < g.images; ++image) {
            map.fill(g, image, x + channel, count);
            if (g.tile_w > 1)
                correlate_all<true>(g, image, count, map, grad + channel, sums, &bias);
            else
                correlate_all<false>(g, image, count, map, grad + channel, sums, &bias);
            map.clear(g, image);
        }
        float* out = grad_weight + part * (TAPS + 1) * g.channels + channel;
        for (int tap = 0; tap < TAPS; ++tap) store(out + tap * g.channels, sums[tap], count);
        store(out + TAPS * g.channels, bias, count);
    });
}

}  // namespace

// `numbers`: images, channels, height, width, tiles, tile_h, tile_w. Weights (49 x channels, then the
// bias) and their gradients are float32 whatever the type of the features. Zero on success.

EXPORT int fcmae_depthwise(const int64_t* numbers, const int64_t* places, const int32_t* order,
                           int type, const void* x, const float* weight, const float* bias, void* y,
                           Parallel parallel, int threads) {
    Geometry g = read(numbers, places, order);
    auto typed = type == FLOAT32 ? forward<float> : forward<bfloat16>;
    return typed(g, x, weight, bias, y, parallel, threads);
}

EXPORT int fcmae_depthwise_weight(const int64_t* numbers, const int64_t* places,
                                  const int32_t* order, int type, const void* x, const void* grad,
                                  int64_t images_per_part, float* grad_weight, Parallel parallel,
                                  int threads) {
    Geometry g = read(numbers, places, order);
    auto typed = type == FLOAT32 ? backward_weight<float> : backward_weight<bfloat16>;
    return typed(g, x, grad, images_per_part, grad_weight, parallel, threads);
}
