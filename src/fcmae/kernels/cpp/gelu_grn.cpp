// GELU and then global response normalization, with one look at the 4C-wide activation per pass.
//
// Forward reads the input once and the output once more to scale it, image by image, so that the second
// look hits the cache. Backward computes GELU again from the input instead of storing it.

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

// x * cdf(x) of the normal distribution and its derivative. The tail is exp(-x^2/2) times a polynomial
// in 1 / (1 + p |x|/sqrt 2) fitted to erfcx by Lawson's iteration: relative error below 1.1e-7.
inline Gelu gelu(Vec x) {
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

// ---------------------------------------------------------------- one image

struct Shape {
    int64_t images, positions, channels;
    float eps;
};

// What a thread keeps of one image: sums and factors per channel, padded to whole vectors.
struct Rows : Buffer {
    int64_t length;

    Rows(int rows, int64_t channels)
        : Buffer(rows * vectors(channels) * LANES), length(vectors(channels)) {}
    Vec* row(int i) const { return reinterpret_cast<Vec*>(data) + i * length; }
};

// energy -> 1 + gamma * energy / (mean energy + eps), and 1 / (mean energy + eps).
float scales(const Shape& s, const float* energy, const float* gamma, float* scale) {
    double sum = 0;
    for (int64_t c = 0; c < s.channels; ++c) sum += energy[c];
    float inverse = 1.0f / (float(sum / double(s.channels)) + s.eps);
    for (int64_t c = 0; c < s.channels; ++c) scale[c] = 1.0f + gamma[c] * energy[c] * inverse;
    return inverse;
}

template <typename T>
void forward_image(const Shape& s, const T* x, const float* gamma, const float* beta, float* energy,
                   T* y, const Rows& rows) {
    int64_t n = rows.length;
    Vec *squares = rows.row(0), *scale = rows.row(1);
    rows.zero();
    for (int64_t p = 0; p < s.positions; ++p)
        for (int64_t v = 0; v < n; ++v) {
            int64_t at = p * s.channels + v * LANES;
            int count = lanes(s.channels, v);
            Vec a = gelu(load(x + at, count)).value;
            squares[v] += a * a;
            store(y + at, a, count);
        }
    for (int64_t c = 0; c < s.channels; ++c) energy[c] = std::sqrt(((float*)squares)[c]);
    scales(s, energy, gamma, (float*)scale);
    for (int64_t p = 0; p < s.positions; ++p)
        for (int64_t v = 0; v < n; ++v) {
            int64_t at = p * s.channels + v * LANES;
            int count = lanes(s.channels, v);
            Vec shift = load(beta + v * LANES, count);
            store(y + at, load(y + at, count) * scale[v] + shift, count);
        }
}

// grad_gamma and grad_beta are of this image alone; Python adds them up.
template <typename T>
void backward_image(const Shape& s, const T* x, const float* gamma, const float* energy,
                    const T* grad, T* grad_x, float* grad_gamma, float* grad_beta,
                    const Rows& rows) {
    int64_t n = rows.length;
    Vec *product = rows.row(0), *sum = rows.row(1), *scale = rows.row(2), *factor = rows.row(3);
    rows.zero();
    for (int64_t p = 0; p < s.positions; ++p)
        for (int64_t v = 0; v < n; ++v) {
            int64_t at = p * s.channels + v * LANES;
            int count = lanes(s.channels, v);
            Vec upstream = load(grad + at, count);
            product[v] += upstream * gelu(load(x + at, count)).value;
            sum[v] += upstream;
        }
    float inverse = scales(s, energy, gamma, (float*)scale);
    float *products = (float*)product, *factors = (float*)factor;
    double through_mean = 0;
    for (int64_t c = 0; c < s.channels; ++c)
        through_mean += double(products[c]) * gamma[c] * energy[c] * inverse;
    through_mean /= double(s.channels);
    for (int64_t c = 0; c < s.channels; ++c) {
        grad_gamma[c] = products[c] * energy[c] * inverse;
        grad_beta[c] = ((float*)sum)[c];
        // The norm of an all-zero channel has no direction: like PyTorch, take 0.
        float grad_energy = (products[c] * gamma[c] - float(through_mean)) * inverse;
        factors[c] = energy[c] > 0 ? grad_energy / energy[c] : 0.0f;
    }
    for (int64_t p = 0; p < s.positions; ++p)
        for (int64_t v = 0; v < n; ++v) {
            int64_t at = p * s.channels + v * LANES;
            int count = lanes(s.channels, v);
            Gelu a = gelu(load(x + at, count));
            Vec slope = load(grad + at, count) * scale[v] + a.value * factor[v];
            store(grad_x + at, slope * a.slope, count);
        }
}

}  // namespace

// Features are n p c of `type`; parameters, energies (n c) and gradients per image (n c) are float32.

EXPORT int fcmae_gelu_grn(const int64_t* shape, float eps, int type, const void* x,
                          const float* gamma, const float* beta, float* energy, void* y,
                          Parallel parallel, int threads) {
    Shape s{shape[0], shape[1], shape[2], eps};
    auto run = [&](auto* typed) {
        using T = std::remove_reference_t<decltype(*typed)>;
        auto make = [&] { return Rows(2, s.channels); };
        return for_each(s.images, parallel, threads, make, [&](Rows& rows, int64_t i) {
            int64_t at = i * s.positions * s.channels;
            forward_image<T>(s, static_cast<const T*>(x) + at, gamma, beta, energy + i * s.channels,
                             static_cast<T*>(y) + at, rows);
        });
    };
    return type == FLOAT32 ? run(static_cast<float*>(nullptr)) : run(static_cast<bfloat16*>(nullptr));
}

EXPORT int fcmae_gelu_grn_backward(const int64_t* shape, float eps, int type, const void* x,
                                   const float* gamma, const float* energy, const void* grad,
                                   void* grad_x, float* grad_gamma, float* grad_beta,
                                   Parallel parallel, int threads) {
    Shape s{shape[0], shape[1], shape[2], eps};
    auto run = [&](auto* typed) {
        using T = std::remove_reference_t<decltype(*typed)>;
        auto make = [&] { return Rows(4, s.channels); };
        return for_each(s.images, parallel, threads, make, [&](Rows& rows, int64_t i) {
            int64_t at = i * s.positions * s.channels, row = i * s.channels;
            backward_image<T>(s, static_cast<const T*>(x) + at, gamma, energy + row,
                              static_cast<const T*>(grad) + at, static_cast<T*>(grad_x) + at,
                              grad_gamma + row, grad_beta + row, rows);
        });
    };
    return type == FLOAT32 ? run(static_cast<float*>(nullptr)) : run(static_cast<bfloat16*>(nullptr));
}
