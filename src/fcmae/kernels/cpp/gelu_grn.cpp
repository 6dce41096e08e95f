// GELU and then global response normalization, with one look at the 4C-wide activation per pass.
//
// Two passes in either direction: sums over an image's positions, then what depends on them. Backward
// computes GELU again from the input instead of storing it.

#include "vectors.h"

namespace {

constexpr float SQRT_HALF = 0.70710678f, INV_SQRT_TAU = 0.39894228f;

// ---------------------------------------------------------------- the arithmetic

// exp(x) for x <= 0, to 2e-9 before rounding.
inline Vec exp_negative(Vec x) {
    Vec y = x * 1.44269504f;
    y = (Vec)((y < -126.0f) ? (Bits)(Vec{} - 126.0f) : (Bits)y);
    Vec whole = (y + 12582912.0f) - 12582912.0f;  // 1.5 * 2^23: rounds to the nearest integer
    Vec f = y - whole;
    Vec power = f * 0.000153375768f + 0.00133998604f;
    power = power * f + 0.00961851953f;
    power = power * f + 0.05550329f;
    power = power * f + 0.240226466f;
    power = power * f + 0.693147206f;
    power = power * f + 1.0f;
    Ints exponent = __builtin_convertvector(whole, Ints) + 127;
    return power * (Vec)(exponent << 23);
}

struct Gelu {
    Vec value, slope;
};

// For features of type T: what is rounded to bfloat16 need not be exact to float32's last bit.
template <typename T>
inline Vec gelu_value(Vec x);
template <typename T>
inline Gelu gelu(Vec x);

// x * cdf(x) of the normal distribution and its derivative. The tail is exp(-x^2/2) times a polynomial
// in 1 / (1 + p |x|/sqrt 2) fitted to erfcx by Lawson's iteration: relative error below 1.1e-7.
template <>
inline Gelu gelu<float>(Vec x) {
    Bits negative = (Bits)(x < 0.0f);
    Vec z = (Vec)((Bits)x & 0x7fffffff) * SQRT_HALF;
    Vec e = exp_negative(-z * z);
    Vec t = 1.0f / (z * 0.3275911f + 1.0f);
    Vec tail = t * -0.141661679f + 0.498874955f;
    tail = tail * t - 0.409594097f;
    tail = tail * t + 0.456556454f;
    tail = tail * t + 0.0237193445f;
    tail = tail * t + 0.206396888f;
    tail = tail * t + 0.180650173f;
    tail = tail * t + 0.185058071f;
    tail = tail * t * e * 0.5f;
    Vec cdf = (Vec)((negative & (Bits)tail) | (~negative & (Bits)(1.0f - tail)));
    return {x * cdf, cdf + x * e * INV_SQRT_TAU};
}

template <>
inline Vec gelu_value<float>(Vec x) {
    return gelu<float>(x).value;
}

// Beyond +-EDGE the cdf of the normal distribution is 0 or 1 here.
constexpr float EDGE = 4.25f;

// x * cdf(x) with the cdf as a half plus an odd polynomial: the value is off by 7e-5 at most.
inline Vec gelu_value(Vec x, Vec inside, Vec square) {
    Vec odd = square * 6.88553298e-11f - 6.43331689e-09f;
    odd = odd * square + 2.64222856e-07f;
    odd = odd * square - 6.35865359e-06f;
    odd = odd * square + 0.00010152476f;
    odd = odd * square - 0.00116141625f;
    odd = odd * square + 0.0100094534f;
    odd = odd * square - 0.0666943948f;
    odd = odd * square + 0.3991261f;
    Vec cdf = inside * odd + 0.5f;
    return x * (Vec)((cdf < 1e-6f) ? (Bits)Vec{} : (Bits)cdf);
}

template <>
inline Vec gelu_value<bfloat16>(Vec x) {
    Vec inside = within(x, -EDGE, EDGE);
    return gelu_value(x, inside, inside * inside);
}

// The slope likewise: off by 3e-4 at most.
template <>
inline Gelu gelu<bfloat16>(Vec x) {
    Vec inside = within(x, -EDGE, EDGE), square = inside * inside;
    Vec odd = square * 6.46241928e-10f - 5.98763746e-08f;
    odd = odd * square + 2.41632093e-06f;
    odd = odd * square - 5.60997753e-05f;
    odd = odd * square + 0.000834820517f;
    odd = odd * square - 0.00838253988f;
    odd = odd * square + 0.0576501033f;
    odd = odd * square - 0.263964878f;
    odd = odd * square + 0.797345795f;
    return {gelu_value(x, inside, square), inside * odd + 0.5f};
}

// ---------------------------------------------------------------- part of an image

struct Shape {
    int64_t images, positions, channels, parts;
    float eps;

    // Calls visit(offset, vector, count) for the values of a part of an image.
    template <typename Visit>
    void each(int64_t part, const Visit& visit) const {
        int64_t whole = channels / LANES, last = positions * (part + 1) / parts;
        int rest = int(channels % LANES);
        for (int64_t p = positions * part / parts; p < last; ++p) {
            for (int64_t v = 0; v < whole; ++v) visit(p * channels + v * LANES, v, LANES);
            if (rest) visit(p * channels + whole * LANES, whole, rest);
        }
    }
};

// What a thread keeps: rows of sums and factors per channel, padded to whole vectors.
struct Rows : Buffer {
    int64_t length;

    Rows(int rows, int64_t channels)
        : Buffer(rows * vectors(channels) * LANES), length(vectors(channels)) {}
    Vec* row(int i) const { return reinterpret_cast<Vec*>(data) + i * length; }
    float* values(int i) const { return reinterpret_cast<float*>(row(i)); }
};

// The parts' sums of one channel.
inline float add_up(const Shape& s, const float* sums, int64_t stride, int64_t channel) {
    float sum = 0;
    for (int64_t part = 0; part < s.parts; ++part) sum += sums[part * stride + channel];
    return sum;
}

// energy -> 1 + gamma * energy / (mean energy + eps); returns 1 / (mean energy + eps).
float scales(const Shape& s, const float* energy, const float* gamma, float* scale) {
    double sum = 0;
    for (int64_t c = 0; c < s.channels; ++c) sum += energy[c];
    float inverse = 1.0f / (float(sum / double(s.channels)) + s.eps);
    for (int64_t c = 0; c < s.channels; ++c) scale[c] = 1.0f + gamma[c] * energy[c] * inverse;
    return inverse;
}

template <typename T>
struct Forward {
    const Shape& s;
    const T* x;
    const float *gamma, *beta;
    float *squares, *energy;  // images x parts x channels, images x channels
    T* y;
    static constexpr int ROWS = 2;

    void first(const Rows& rows, int64_t image, int64_t part) const {
        int64_t at = image * s.positions * s.channels;
        Vec* sum = rows.row(0);
        rows.zero();
        s.each(part, [&](int64_t offset, int64_t v, int count) {
            Vec a = gelu_value<T>(load(x + at + offset, count));
            sum[v] += a * a;
            store(y + at + offset, a, count);
        });
        std::memcpy(squares + (image * s.parts + part) * s.channels, rows.values(0),
                    s.channels * sizeof(float));
    }

    void second(const Rows& rows, int64_t image, int64_t part) const {
        int64_t at = image * s.positions * s.channels;
        float* norm = rows.values(0);
        rows.zero();
        for (int64_t c = 0; c < s.channels; ++c)
            norm[c] = std::sqrt(add_up(s, squares + image * s.parts * s.channels, s.channels, c));
        if (part == 0) std::memcpy(energy + image * s.channels, norm, s.channels * sizeof(float));
        scales(s, norm, gamma, rows.values(1));
        const Vec* scale = rows.row(1);
        s.each(part, [&](int64_t offset, int64_t v, int count) {
            T* out = y + at + offset;
            store(out, load(out, count) * scale[v] + load(beta + v * LANES, count), count);
        });
    }
};

template <typename T>
struct Backward {
    const Shape& s;
    const T* x;
    const float *gamma, *energy;
    const T* grad;
    float* sums;  // images x parts x 2 x channels: of grad * gelu, and of grad
    T* grad_x;
    float *grad_gamma, *grad_beta;  // images x channels; Python adds them up
    static constexpr int ROWS = 3;

    void first(const Rows& rows, int64_t image, int64_t part) const {
        int64_t at = image * s.positions * s.channels;
        Vec *product = rows.row(0), *sum = rows.row(1);
        rows.zero();
        s.each(part, [&](int64_t offset, int64_t v, int count) {
            Vec upstream = load(grad + at + offset, count);
            product[v] += upstream * gelu_value<T>(load(x + at + offset, count));
            sum[v] += upstream;
        });
        float* out = sums + (image * s.parts + part) * 2 * s.channels;
        std::memcpy(out, rows.values(0), s.channels * sizeof(float));
        std::memcpy(out + s.channels, rows.values(1), s.channels * sizeof(float));
    }

    void second(const Rows& rows, int64_t image, int64_t part) const {
        int64_t at = image * s.positions * s.channels, row = image * s.channels;
        const float *own = sums + image * s.parts * 2 * s.channels, *norm = energy + row;
        float *product = rows.values(0), *factor = rows.values(1);
        rows.zero();
        float inverse = scales(s, norm, gamma, rows.values(2));
        double through_mean = 0;
        for (int64_t c = 0; c < s.channels; ++c) {
            product[c] = add_up(s, own, 2 * s.channels, c);
            through_mean += double(product[c]) * gamma[c] * norm[c] * inverse;
        }
        through_mean /= double(s.channels);
        for (int64_t c = 0; c < s.channels; ++c) {
            float grad_norm = (product[c] * gamma[c] - float(through_mean)) * inverse;
            // The norm of an all-zero channel has no direction: like PyTorch, take 0.
            factor[c] = norm[c] > 0 ? grad_norm / norm[c] : 0.0f;
            if (part == 0) {
                grad_gamma[row + c] = product[c] * norm[c] * inverse;
                grad_beta[row + c] = add_up(s, own + s.channels, 2 * s.channels, c);
            }
        }
        const Vec *factors = rows.row(1), *scale = rows.row(2);
        s.each(part, [&](int64_t offset, int64_t v, int count) {
            Gelu a = gelu<T>(load(x + at + offset, count));
            Vec slope = load(grad + at + offset, count) * scale[v] + a.value * factors[v];
            store(grad_x + at + offset, slope * a.slope, count);
        });
    }
};

// Image by image where there are enough of them, so that the second look hits the cache; otherwise all
// parts once, and then all parts again.
template <typename Passes>
int run(const Shape& s, const Passes& passes, Parallel parallel, int threads) {
    auto make = [&] { return Rows(Passes::ROWS, s.channels); };
    if (s.parts == 1)
        return for_each(s.images, parallel, threads, make, [&](Rows& rows, int64_t image) {
            passes.first(rows, image, 0);
            passes.second(rows, image, 0);
        });
    int64_t tasks = s.images * s.parts;
    int failed = for_each(tasks, parallel, threads, make, [&](Rows& rows, int64_t i) {
        passes.first(rows, i / s.parts, i % s.parts);
    });
    return failed || for_each(tasks, parallel, threads, make, [&](Rows& rows, int64_t i) {
        passes.second(rows, i / s.parts, i % s.parts);
    });
}

template <typename T>
int forward(const Shape& s, const void* x, const float* gamma, const float* beta, float* squares,
            float* energy, void* y, Parallel parallel, int threads) {
    Forward<T> passes{s, static_cast<const T*>(x), gamma, beta, squares, energy, static_cast<T*>(y)};
    return run(s, passes, parallel, threads);
}

template <typename T>
int backward(const Shape& s, const void* x, const float* gamma, const float* energy,
             const void* grad, float* sums, void* grad_x, float* grad_gamma, float* grad_beta,
             Parallel parallel, int threads) {
    Backward<T> passes{s,    static_cast<const T*>(x), gamma,      energy,   static_cast<const T*>(grad),
                       sums, static_cast<T*>(grad_x),  grad_gamma, grad_beta};
    return run(s, passes, parallel, threads);
}

}  // namespace

// `shape`: images, positions, channels, and parts that an image is cut into. Features are of `type`;
// everything else is float32. `squares` (images x parts x channels) and `sums` (images x parts x 2 x
// channels) are room to work in. Zero on success.

EXPORT int fcmae_gelu_grn(const int64_t* shape, float eps, int type, const void* x,
                          const float* gamma, const float* beta, float* squares, float* energy,
                          void* y, Parallel parallel, int threads) {
    Shape s{shape[0], shape[1], shape[2], shape[3], eps};
    auto typed = type == FLOAT32 ? forward<float> : forward<bfloat16>;
    return typed(s, x, gamma, beta, squares, energy, y, parallel, threads);
}

EXPORT int fcmae_gelu_grn_backward(const int64_t* shape, float eps, int type, const void* x,
                                   const float* gamma, const float* energy, const void* grad,
                                   float* sums, void* grad_x, float* grad_gamma, float* grad_beta,
                                   Parallel parallel, int threads) {
    Shape s{shape[0], shape[1], shape[2], shape[3], eps};
    auto typed = type == FLOAT32 ? backward<float> : backward<bfloat16>;
    return typed(s, x, gamma, energy, grad, sums, grad_x, grad_gamma, grad_beta, parallel, threads);
}
