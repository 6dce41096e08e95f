// Layer normalization over channels, forward and backward. PyTorch's own is slow in bfloat16.

#include "vectors.h"

namespace {

template <typename T>
void forward_row(int64_t channels, float eps, const T* x, const float* weight, const float* bias,
                 T* y, float* mean, float* inverse) {
    int64_t n = vectors(channels);
    Vec sum = {}, squares = {};
    for (int64_t v = 0; v < n; ++v) sum += load(x + v * LANES, lanes(channels, v));
    *mean = total(sum) / float(channels);
    for (int64_t v = 0; v < n; ++v) {
        int count = lanes(channels, v);
        Vec centred = load(x + v * LANES, count) - *mean;
        if (count < LANES) centred *= existing(count);
        squares += centred * centred;
    }
    *inverse = 1.0f / std::sqrt(total(squares) / float(channels) + eps);
    for (int64_t v = 0; v < n; ++v) {
        int count = lanes(channels, v);
        Vec normal = (load(x + v * LANES, count) - *mean) * *inverse;
        normal = normal * load(weight + v * LANES, count) + load(bias + v * LANES, count);
        store(y + v * LANES, normal, count);
    }
}

// Adds to the sums for weight and bias, which are padded to whole vectors.
template <typename T>
void backward_row(int64_t channels, const T* x, const float* weight, float mean, float inverse,
                  const T* grad, T* grad_x, Vec* grad_weight, Vec* grad_bias) {
    int64_t n = vectors(channels);
    Vec sum = {}, product = {};
    for (int64_t v = 0; v < n; ++v) {
        int count = lanes(channels, v);
        Vec upstream = load(grad + v * LANES, count);
        Vec normal = (load(x + v * LANES, count) - mean) * inverse;
        grad_weight[v] += upstream * normal;
        grad_bias[v] += upstream;
        upstream *= load(weight + v * LANES, count);
        sum += upstream;
        product += upstream * normal;
    }
    float shift = total(sum) / float(channels), slope = total(product) / float(channels);
    for (int64_t v = 0; v < n; ++v) {
        int count = lanes(channels, v);
        Vec upstream = load(grad + v * LANES, count) * load(weight + v * LANES, count);
        Vec normal = (load(x + v * LANES, count) - mean) * inverse;
        store(grad_x + v * LANES, (upstream - shift - normal * slope) * inverse, count);
    }
}

constexpr int64_t ROWS_PER_TASK = 64;

template <typename T>
int forward(int64_t rows, int64_t channels, float eps, const void* input, const float* weight,
            const float* bias, void* output, float* mean, float* inverse, Parallel parallel,
            int threads) {
    const T* x = static_cast<const T*>(input);
    T* y = static_cast<T*>(output);
    int64_t tasks = (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    auto make = [] { return true; };
    return for_each(tasks, parallel, threads, make, [&](bool, int64_t task) {
        int64_t last = (task + 1) * ROWS_PER_TASK;
        for (int64_t row = task * ROWS_PER_TASK; row < last && row < rows; ++row)
            forward_row(channels, eps, x + row * channels, weight, bias, y + row * channels,
                        mean + row, inverse + row);
    });
}

template <typename T>
int backward(int64_t rows, int64_t channels, const void* input, const float* weight,
             const float* mean, const float* inverse, const void* upstream, void* output,
             int64_t rows_per_part, float* grad_parameters, Parallel parallel, int threads) {
    const T *x = static_cast<const T*>(input), *grad = static_cast<const T*>(upstream);
    T* grad_x = static_cast<T*>(output);
    int64_t parts = (rows + rows_per_part - 1) / rows_per_part, size = vectors(channels) * LANES;
    auto make = [&] { return Buffer(2 * size); };
    return for_each(parts, parallel, threads, make, [&](Buffer& buffer, int64_t part) {
        buffer.zero();
        float *weights = buffer.data, *biases = buffer.data + size;
        int64_t last = (part + 1) * rows_per_part;
        for (int64_t row = part * rows_per_part; row < last && row < rows; ++row)
            backward_row(channels, x + row * channels, weight, mean[row], inverse[row],
                         grad + row * channels, grad_x + row * channels,
                         reinterpret_cast<Vec*>(weights), reinterpret_cast<Vec*>(biases));
        float* out = grad_parameters + part * 2 * channels;
        std::memcpy(out, weights, channels * sizeof(float));
        std::memcpy(out + channels, biases, channels * sizeof(float));
    });
}

}  // namespace

// `shape`: rows, channels. Means and inverse deviations (rows) and parameters are float32. Zero on success.

EXPORT int fcmae_layer_norm(const int64_t* shape, float eps, int type, const void* x,
                            const float* weight, const float* bias, void* y, float* mean,
                            float* inverse, Parallel parallel, int threads) {
    auto typed = type == FLOAT32 ? forward<float> : forward<bfloat16>;
    return typed(shape[0], shape[1], eps, x, weight, bias, y, mean, inverse, parallel, threads);
}

// Gradients of weight and bias: parts x 2 x channels, to be added up by the caller.
EXPORT int fcmae_layer_norm_backward(const int64_t* shape, int type, const void* x,
                                     const float* weight, const float* mean, const float* inverse,
                                     const void* grad, void* grad_x, int64_t rows_per_part,
                                     float* grad_parameters, Parallel parallel, int threads) {
    auto typed = type == FLOAT32 ? backward<float> : backward<bfloat16>;
    return typed(shape[0], shape[1], x, weight, mean, inverse, grad, grad_x, rows_per_part,
                 grad_parameters, parallel, threads);
}
