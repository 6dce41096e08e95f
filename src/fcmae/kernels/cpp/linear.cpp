// The sum of rows, which is the gradient of a linear layer's bias. PyTorch's own is slow in bfloat16.

#include "vectors.h"

namespace {

template <typename T>
int sum_rows(int64_t rows, int64_t channels, int64_t rows_per_part, const void* input, float* sums,
             Parallel parallel, int threads) {
    const T* x = static_cast<const T*>(input);
    int64_t parts = (rows + rows_per_part - 1) / rows_per_part;
    int64_t whole = channels / LANES;
    int rest = int(channels % LANES);
    auto make = [&] { return Buffer(vectors(channels) * LANES); };
    return for_each(parts, parallel, threads, make, [&](Buffer& buffer, int64_t part) {
        buffer.zero();
        Vec* sum = reinterpret_cast<Vec*>(buffer.data);
        int64_t last = (part + 1) * rows_per_part;
        for (int64_t row = part * rows_per_part; row < last && row < rows; ++row) {
            const T* values = x + row * channels;
            for (int64_t v = 0; v < whole; ++v) sum[v] += load_all(values + v * LANES);
            if (rest) sum[whole] += load_some(values + whole * LANES, rest);
        }
        std::memcpy(sums + part * channels, buffer.data, channels * sizeof(float));
    });
}

}  // namespace

// `shape`: rows, channels. Sums: parts x channels, to be added up by the caller. Zero on success.
EXPORT int fcmae_sum_rows(const int64_t* shape, int type, const void* x, int64_t rows_per_part,
                          float* sums, Parallel parallel, int threads) {
    auto typed = type == FLOAT32 ? sum_rows<float> : sum_rows<bfloat16>;
    return typed(shape[0], shape[1], rows_per_part, x, sums, parallel, threads);
}
