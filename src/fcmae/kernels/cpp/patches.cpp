// Patches of images as rows of (row, column, channel), and the error of their predicted pixels.

#include "vectors.h"

namespace {

// Where patches lie: images x places of them, by raster index.
struct Patches {
    const float* images;
    const int64_t* positions;
    int64_t channels, height, width, side, places;

    int64_t values() const { return side * side * channels; }

    void cut(int64_t row, float* out) const {
        int64_t columns = width / side, position = positions[row];
        const float* corner = images + (row / places) * channels * height * width +
                              (position / columns) * side * width + (position % columns) * side;
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t r = 0; r < side; ++r) {
                const float* from = corner + (c * height + r) * width;
                float* to = out + r * side * channels + c;
                for (int64_t s = 0; s < side; ++s) to[s * channels] = from[s];
            }
    }
};

struct Statistics {
    float mean, inverse;
};

// The deviation is that of a sample, as the definition has it.
inline Statistics statistics(const float* x, int64_t values, float eps) {
    Vec sum = {}, squares = {};
    int64_t n = vectors(values);
    for (int64_t v = 0; v < n; ++v) sum += load(x + v * LANES, lanes(values, v));
    float mean = total(sum) / float(values);
    for (int64_t v = 0; v < n; ++v) {
        int count = lanes(values, v);
        Vec centred = load(x + v * LANES, count) - mean;
        if (count < LANES) centred *= existing(count);
        squares += centred * centred;
    }
    return {mean, 1.0f / std::sqrt(total(squares) / float(values - 1) + eps)};
}

// What the prediction is off by, of values whose patch is normalised.
template <typename T>
inline Vec off(const T* prediction, const float* x, Statistics s, int64_t v, int count) {
    return load(prediction + v * LANES, count) -
           (load(x + v * LANES, count) - s.mean) * s.inverse;
}

template <typename T>
float mean_square(const T* prediction, const float* x, int64_t values, Statistics s) {
    Vec sum = {};
    for (int64_t v = 0; v < vectors(values); ++v) {
        int count = lanes(values, v);
        Vec error = off(prediction, x, s, v, count);
        if (count < LANES) error *= existing(count);
        sum += error * error;
    }
    return total(sum) / float(values);
}

template <typename T>
void gradient(const T* prediction, const float* x, int64_t values, Statistics s, float scale,
              T* out) {
    for (int64_t v = 0; v < vectors(values); ++v) {
        int count = lanes(values, v);
        store(out + v * LANES, off(prediction, x, s, v, count) * scale, count);
    }
}

constexpr int64_t VALUES_PER_TASK = 16384;

template <typename Row>
int for_each_patch(const Patches& patches, int64_t rows, Parallel parallel, int threads,
                   const Row& row) {
    int64_t values = patches.values();
    int64_t together = values < VALUES_PER_TASK ? VALUES_PER_TASK / values : 1;
    auto make = [&] { return Buffer(vectors(values) * LANES); };
    return for_each((rows + together - 1) / together, parallel, threads, make,
                    [&](Buffer& buffer, int64_t task) {
                        int64_t last = (task + 1) * together;
                        for (int64_t i = task * together; i < last && i < rows; ++i)
                            row(i, buffer.data);
                    });
}

inline Patches described(const int64_t* shape, const float* images, const int64_t* positions) {
    return {images, positions, shape[1], shape[2], shape[3], shape[4], shape[5]};
}

template <typename T>
int errors(const Patches& patches, int64_t rows, float eps, bool normalize, const void* predicted,
           float* of_patch, float* out, Parallel parallel, int threads) {
    const T* prediction = static_cast<const T*>(predicted);
    int64_t values = patches.values();
    return for_each_patch(patches, rows, parallel, threads, [&](int64_t i, float* x) {
        patches.cut(i, x);
        Statistics s = normalize ? statistics(x, values, eps) : Statistics{0.0f, 1.0f};
        of_patch[2 * i] = s.mean, of_patch[2 * i + 1] = s.inverse;
        out[i] = mean_square(prediction + i * values, x, values, s);
    });
}

template <typename T>
int gradients(const Patches& patches, int64_t rows, const void* predicted, const float* of_patch,
              const float* upstream, void* out, Parallel parallel, int threads) {
    const T* prediction = static_cast<const T*>(predicted);
    T* grad = static_cast<T*>(out);
    int64_t values = patches.values();
    return for_each_patch(patches, rows, parallel, threads, [&](int64_t i, float* x) {
        patches.cut(i, x);
        Statistics s{of_patch[2 * i], of_patch[2 * i + 1]};
        float scale = 2.0f * upstream[i] / float(values);
        gradient(prediction + i * values, x, values, s, scale, grad + i * values);
    });
}

}  // namespace

// `shape`: images, channels, height, width, side of a patch, places in an image. Images are float32,
// positions raster indices of patches. Zero on success.

EXPORT int fcmae_take_patches(const int64_t* shape, const float* images, const int64_t* positions,
                              float* out, Parallel parallel, int threads) {
    Patches patches = described(shape, images, positions);
    int64_t values = patches.values();
    return for_each_patch(patches, shape[0] * shape[5], parallel, threads,
                          [&](int64_t i, float*) { patches.cut(i, out + i * values); });
}

// `of_patch`: mean and inverse deviation of each patch, for the gradients.
EXPORT int fcmae_patch_error(const int64_t* shape, float eps, int64_t normalize, int type,
                             const float* images, const int64_t* positions, const void* prediction,
                             float* of_patch, float* error, Parallel parallel, int threads) {
    auto typed = type == FLOAT32 ? errors<float> : errors<bfloat16>;
    return typed(described(shape, images, positions), shape[0] * shape[5], eps, normalize,
                 prediction, of_patch, error, parallel, threads);
}

EXPORT int fcmae_patch_error_backward(const int64_t* shape, int type, const float* images,
                                      const int64_t* positions, const void* prediction,
                                      const float* of_patch, const float* grad, void* grad_prediction,
                                      Parallel parallel, int threads) {
    auto typed = type == FLOAT32 ? gradients<float> : gradients<bfloat16>;
    return typed(described(shape, images, positions), shape[0] * shape[5], prediction, of_patch,
                 grad, grad_prediction, parallel, threads);
}
