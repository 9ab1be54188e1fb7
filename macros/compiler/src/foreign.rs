//! Names of other libraries: what a user of PyTorch, Keras, JAX or NumPy writes, and what to write here.
//!
//! Takes a name that is neither a layer nor an op and returns the help for it. Names that are close to one of netform's
//! are left to `did_you_mean`; a name in this table comes first, because its user meant it.

/// Names that have another word here.
const WORDS: &[(&str, &str)] = &[
    // Layers of Keras and Flax.
    ("Dense", "`Linear(in -> out)`"),
    ("Conv2D", "`Conv2d(in -> out, kernel_size)`"),
    ("Conv1D", "`Conv1d(in -> out, kernel_size)`"),
    (
        "Conv2DTranspose",
        "`ConvTranspose2d(in -> out, kernel_size)`",
    ),
    ("MaxPooling2D", "`MaxPool2d(kernel_size)`"),
    ("MaxPooling1D", "`MaxPool1d(kernel_size)`"),
    ("AveragePooling2D", "`AvgPool2d(kernel_size)`"),
    ("GlobalAveragePooling2D", "`x.mean([2, 3])` in a function"),
    ("GlobalMaxPooling2D", "`x.amax([2, 3])` in a function"),
    (
        "BatchNormalization",
        "`BatchNorm1d(features)` or `BatchNorm2d(channels)`",
    ),
    ("LayerNormalization", "`LayerNorm(features)`"),
    ("GroupNormalization", "`GroupNorm(groups, channels)`"),
    (
        "MultiHeadAttention",
        "`MultiheadAttention(embed_dim, num_heads)`",
    ),
    (
        "MultiHeadDotProductAttention",
        "`MultiheadAttention(embed_dim, num_heads)`",
    ),
    ("SimpleRNN", "`RNN(in -> hidden)`"),
    ("Embed", "`Embedding(num -> dim)`"),
    // Parts of PyTorch's modules.
    (
        "Sequential",
        "a field: `layers: Sequential(Linear(8 -> 8), ReLU())`",
    ),
    ("ModuleList", "an array of layers: `[Linear(8 -> 8); 4]`"),
    ("ModuleDict", "a field for each layer"),
    ("Parameter", "`Param[8, 3] = zeros`"),
    (
        "ParameterList",
        "a parameter with one more dimension: `Param[4, 8, 3]`",
    ),
    ("register_buffer", "a field `name: Buffer[8]`"),
    (
        "LazyLinear",
        "`Linear(in -> out)`: netform checks sizes when it compiles",
    ),
    // Ops.
    ("arange_like", "`arange(n)`"),
    ("reduce_mean", "`mean`"),
    ("reduce_sum", "`sum`"),
    ("reduce_max", "`amax`"),
    ("reduce_min", "`amin`"),
    ("expand_dims", "`unsqueeze`"),
    ("newaxis", "`None` in an index: `x[:, None]`"),
    ("moveaxis", "`permute`"),
    ("movedim", "`permute`"),
    ("astype", "`.float()`, `.int()` or a comparison"),
    (
        "to",
        "`.float()` or `.int()` for a type; the device is chosen in `new`",
    ),
    ("type", "`.float()` or `.int()`"),
    (
        "double",
        "`.float()`: a float has the device's width, f64 on `Cpu::f64()`",
    ),
    (
        "half",
        "`.float()`: floats have the device's width; `save_as` writes f16 files",
    ),
    (
        "bfloat16",
        "`.float()`: floats have the device's width; `save_as` writes bf16 files",
    ),
    (
        "item",
        "the result of the method in Rust: `net.loss(..)?.item()`",
    ),
    ("numpy", "the result of the method in Rust: `to_tensor()`"),
    ("cpu", "nothing: the device is chosen in `new`"),
    ("cuda", "nothing: the device is chosen in `new`"),
    ("clone", "nothing: values never change"),
    (
        "contiguous",
        "nothing: values have no layout that you can see",
    ),
    ("copy", "nothing: values never change"),
    (
        "zero_grad",
        "`zero_grad` of the network in Rust; `_backward` overwrites gradients",
    ),
    (
        "no_grad",
        "the method without a suffix: `net.forward(&x)` computes no gradients",
    ),
    ("stop_gradient", "`detach`"),
    (
        "requires_grad_",
        "`#[grad]` before an argument, or `grad(y, x)`",
    ),
    ("where_", "`where(condition, x, y)`"),
    (
        "masked_select",
        "`where(mask, x, 0.0)`: a shape never depends on values",
    ),
    (
        "nonzero",
        "`where(condition, x, y)`: a shape never depends on values",
    ),
    ("unique", "`one_hot(x, n)`: a shape never depends on values"),
    ("take", "`index_select` or `gather`"),
    ("take_along_axis", "`gather`"),
    ("take_along_dim", "`gather`"),
    ("index_put", "`index_copy`"),
    ("concat_", "`cat`"),
    ("vstack", "`cat([a, b], 0)`"),
    ("hstack", "`cat([a, b], 1)`"),
    ("tile", "`repeat`"),
    ("broadcast_to", "`expand`"),
    ("normalize", "`x / norm(x, dim = 1, keepdim = true)`"),
    ("eye", "`one_hot(arange(n), n).float()`"),
    ("linspace", "`start + step * arange(n)`"),
    ("rot90", "`flip` and `transpose`"),
    ("logaddexp", "`logsumexp(stack([x, y], 0), 0)`"),
    ("repeat_interleave", "`unsqueeze`, `expand` and `reshape`"),
    ("any", "`x.int().amax(dim) > 0`"),
    ("all", "`x.int().amin(dim) > 0`"),
    ("softmin", "`softmax(-x, dim)`"),
    (
        "logcumsumexp",
        "`log(cumsum(exp(x - m), dim)) + m` with `m = x.amax(dim, keepdim = true)`",
    ),
    (
        "cosine_similarity",
        "`(x * y).sum(dim) / (norm(x, dim = dim) * norm(y, dim = dim))`",
    ),
    ("pixel_unshuffle", "`reshape` and `permute`"),
    ("pixel_shuffle", "`reshape` and `permute`"),
    ("addmm", "`b + matmul(x, y)`"),
    ("tensordot", "`einsum`"),
    ("checkpoint", "`#[recompute]` before a layer"),
    ("dot_product_attention", "`scaled_dot_product_attention`"),
    (
        "sparse_categorical_crossentropy",
        "`cross_entropy`, which takes scores before softmax",
    ),
    (
        "categorical_crossentropy",
        "`cross_entropy`, which takes scores before softmax",
    ),
    ("binary_crossentropy", "`binary_cross_entropy`"),
    ("mean_squared_error", "`mse_loss`"),
    ("mean_absolute_error", "`l1_loss`"),
    ("softmax_cross_entropy", "`cross_entropy`"),
];

/// Names of things that netform lacks, and what helps until then.
const LACKS: &[(&str, &str)] = &[
    (
        "sort",
        "sorting; `argmax` and `amax` find the largest element",
    ),
    ("argsort", "sorting; `argmax` finds the largest element"),
    ("median", "sorting, which a median needs"),
    (
        "atan2",
        "an arc tangent of two arguments; `atan(y / x)` is that of x above 0",
    ),
    (
        "topk",
        "a search for the k largest elements; `argmax` and `amax` find the largest",
    ),
    (
        "multinomial",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "randn",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "rand",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "randint",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "bernoulli",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "randn_like",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "rand_like",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "randperm",
        "random numbers inside a network, except dropout: pass them as an argument",
    ),
    (
        "scatter",
        "a scatter; `index_copy` writes rows, and `matmul(one_hot(index, n).transpose(0, 1).float(), x)` adds them",
    ),
    (
        "scatter_add",
        "a scatter; `matmul(one_hot(index, n).transpose(0, 1).float(), x)` adds rows",
    ),
    (
        "index_add",
        "a scatter; `matmul(one_hot(index, n).transpose(0, 1).float(), x)` adds rows",
    ),
    (
        "cdist",
        "a distance of all pairs; `((x.unsqueeze(1) - y.unsqueeze(0)) ** 2).sum(-1)` is its square",
    ),
    ("ctc_loss", "a CTC loss"),
    ("CTCLoss", "a CTC loss"),
    (
        "TripletMarginLoss",
        "a triplet loss; write it with `norm` and `relu`",
    ),
    (
        "triplet_margin_loss",
        "a triplet loss; write it with `norm` and `relu`",
    ),
    ("MarginRankingLoss", "a margin loss; write it with `relu`"),
    (
        "PReLU",
        "this layer; `where(x > 0, x, slope * x)` with a `Param[]` is the same",
    ),
    (
        "PixelShuffle",
        "this layer; `unflatten`, `permute` and `reshape` do the same",
    ),
    (
        "EmbeddingBag",
        "this layer; `Embedding` and `sum` do the same",
    ),
    (
        "Bilinear",
        "this layer; a `Param[..]` and `einsum` do the same",
    ),
    ("Conv3d", "convolutions in three dimensions"),
    ("MaxPool3d", "pools in three dimensions"),
    ("AvgPool3d", "pools in three dimensions"),
    ("LocalResponseNorm", "this layer"),
    ("svd", "linear algebra beyond products"),
    ("inverse", "linear algebra beyond products"),
    ("inv", "linear algebra beyond products"),
    ("det", "linear algebra beyond products"),
    ("fft", "Fourier transforms"),
    ("rfft", "Fourier transforms"),
    (
        "unfold",
        "sliding windows as a tensor; convolutions and pools read windows",
    ),
    ("fold", "sliding windows as a tensor"),
    (
        "bincount",
        "counts of integers; `one_hot(x, n).sum(0)` counts them",
    ),
    (
        "trunc",
        "truncation of floats; `x.int().float()` truncates those that fit integers",
    ),
];

/// The help for a name of another library, as a further line.
pub fn help(name: &str) -> Option<String> {
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, help)| *help)
    };
    match (find(WORDS), find(LACKS)) {
        (Some(word), _) => Some(format!("\nhelp: write {word}")),
        (_, Some(lack)) => Some(format!("\nnote: netform does not have {lack}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{layers, ops};

    /// A name that netform has is found as itself, so it must not be here.
    #[test]
    fn the_names_are_not_those_of_netform() {
        for (name, _) in WORDS.iter().chain(LACKS) {
            assert!(ops::find(name).is_none(), "{name} is an op");
            assert!(layers::names().all(|l| l != *name), "{name} is a layer");
            let times = WORDS.iter().chain(LACKS).filter(|(n, _)| n == name).count();
            assert_eq!(times, 1, "{name}");
        }
    }
}
