//! From one sequence to another: an encoder-decoder Transformer (Vaswani et al., 2017), and two ways to write with it.
//!
//! The encoder reads the whole source: each position attends to every other. The decoder writes the target from left to
//! right: each position attends to earlier ones and to the encoder's output. In training all positions of the target
//! are computed at once, each after the right beginning (teacher forcing). Writing goes symbol by symbol: `#[state]`
//! keeps the keys and values of the written symbols and of the source, so that a symbol costs one position instead of
//! the whole beginning.
//!
//! Blocks normalise first, as in GPT-2. Source, target and scores share one table of symbols.

use netform::generate::{Beam, Beams};
use netform::optim::schedule::{OneCycleLR, Schedule};
use netform::prelude::*;

use crate::Numbers;
use crate::text::{buckets, pad};
use crate::training::{Pass, pass};

network! {
    /// Multi-head attention: each position of `x` takes a mean of the values, weighted by how well its query matches
    /// their keys.
    pub struct Attention<const D: usize, const HEADS: usize>
    where
        D % HEADS == 0,
    {
        query: Linear(D -> D),
        key: Linear(D -> D),
        value: Linear(D -> D),
        out: Linear(D -> D),
    }

    fn heads(x: [B, T, D]) -> [B, HEADS, T, D / HEADS] {
        x.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2)
    }

    fn joined(x: [B, HEADS, T, D / HEADS]) -> [B, T, D] {
        out(x.transpose(1, 2).reshape([B, T, D]))
    }

    /// Keys and values.
    fn remember(x: [B, T, D]) -> ([B, T, D], [B, T, D]) {
        (key(x), value(x))
    }

    /// Attention to the given keys and values where `there` is true.
    fn look(x: [B, T, D], keys: [B, S, D], values: [B, S, D], there: bool[B, S]) -> [B, T, D] {
        let mask = there.unsqueeze(1).unsqueeze(1);
        let q = heads(query(x));
        joined(scaled_dot_product_attention(q, heads(keys), heads(values), attn_mask = mask))
    }

    /// Attention to the positions of `memory` where `there` is true.
    fn forward(x: [B, T, D], memory: [B, S, D], there: bool[B, S]) -> [B, T, D] {
        look(x, key(memory), value(memory), there)
    }

    /// Attention to itself and earlier positions.
    fn causal(x: [B, T, D]) -> [B, T, D] {
        let q = heads(query(x));
        joined(scaled_dot_product_attention(q, heads(key(x)), heads(value(x)), is_causal = true))
    }

    /// The attention weights, averaged over the heads.
    fn weights(x: [B, T, D], memory: [B, S, D]) -> [B, T, S] {
        let agreement = heads(query(x)).matmul(heads(key(memory)).transpose(2, 3));
        softmax(agreement / sqrt(ones([]) * D / HEADS), 3).mean(1)
    }
}

network! {
    /// Two linear layers, applied to each position.
    pub struct Feed<const D: usize> {
        up: Linear(D -> 4 * D),
        down: Linear(4 * D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        down(gelu(up(x)))
    }
}

network! {
    /// A block of the encoder.
    pub struct Reads<const D: usize, const HEADS: usize> {
        norm_1: LayerNorm(D),
        attention: Attention<D, HEADS>,
        norm_2: LayerNorm(D),
        feed: Feed<D>,
        dropout: Dropout(p = 0.1),
    }
    fn forward(x: [B, S, D], there: bool[B, S]) -> [B, S, D] {
        let n = norm_1(x);
        let x = x + dropout(attention(n, n, there));
        x + dropout(feed(norm_2(x)))
    }
}

network! {
    /// A block of the decoder.
    pub struct Writes<const D: usize, const HEADS: usize> {
        norm_1: LayerNorm(D),
        attention: Attention<D, HEADS>,
        norm_2: LayerNorm(D),
        source: Attention<D, HEADS>,
        norm_3: LayerNorm(D),
        feed: Feed<D>,
        dropout: Dropout(p = 0.1),
    }

    fn forward(x: [B, T, D], memory: [B, S, D], there: bool[B, S]) -> [B, T, D] {
        let x = x + dropout(attention.causal(norm_1(x)));
        let x = x + dropout(source(norm_2(x), memory, there));
        x + dropout(feed(norm_3(x)))
    }

    /// The same, with the attention weights over the source.
    fn looking(x: [B, T, D], memory: [B, S, D], there: bool[B, S]) -> ([B, T, D], [B, T, S]) {
        let seen = x + attention.causal(norm_1(x));
        (forward(x, memory, there), source.weights(norm_2(seen), memory))
    }

    /// The keys and values of the source.
    fn remember(memory: [B, S, D]) -> ([B, S, D], [B, S, D]) {
        source.remember(memory)
    }

    /// Position `at` alone; the state holds the earlier positions and the source.
    fn next(
        x: [B, 1, D],
        at: u32[],
        there: bool[B, S],
        source_keys: [B, S, D],
        source_values: [B, S, D],
        #[state] keys: [B, T, D],
        #[state] values: [B, T, D],
    ) -> [B, 1, D] {
        let n = norm_1(x);
        let (k, v) = attention.remember(n);
        keys = keys.index_copy(1, at, k.squeeze(1));
        values = values.index_copy(1, at, v.squeeze(1));
        let written = (arange(T) <= at).unsqueeze(0).expand([B, T]);
        let x = x + attention.look(n, keys, values, written);
        let x = x + source.look(norm_2(x), source_keys, source_values, there);
        x + feed(norm_3(x))
    }
}

network! {
    /// The model.
    pub struct Seq2Seq<const SYMBOLS: usize, const D: usize, const HEADS: usize, const LAYERS: usize> {
        token: Param[SYMBOLS, D] = normal(0.1),
        encoder: [Reads<D, HEADS>; LAYERS],
        encoder_norm: LayerNorm(D),
        decoder: [Writes<D, HEADS>; LAYERS],
        decoder_norm: LayerNorm(D),
        dropout: Dropout(p = 0.1),
    }

    /// Rows of the table, scaled to the size of the position encodings.
    fn symbols(x: u32[..]) -> [.., D] {
        embedding(x, token) * sqrt(ones([]) * D)
    }

    /// Symbols with their positions.
    fn embed(x: u32[B, T]) -> [B, T, D] {
        dropout(symbols(x) + sinusoidal_positions(T, D))
    }

    /// The encoder's output.
    fn encode(source: u32[B, S], there: bool[B, S]) -> [B, S, D] {
        let mut x = embed(source);
        for block in encoder { x = block(x, there); }
        encoder_norm(x)
    }

    /// Scores of all symbols: the product of `x` with each row of the table.
    fn scores(x: [B, T, D]) -> [B, T, SYMBOLS] {
        linear(decoder_norm(x), token)
    }

    /// Scores of the next symbol at each position of the target.
    fn forward(source: u32[B, S], lengths: u32[B], target: u32[B, T]) -> [B, T, SYMBOLS] {
        let there = sequence_mask(lengths, S);
        let memory = encode(source, there);
        let mut x = embed(target);
        for block in decoder { x = block(x, memory, there); }
        scores(x)
    }

    /// The error against the next symbols, with label smoothing.
    fn loss(source: u32[B, S], lengths: u32[B], target: u32[B, T], following: u32[B, T]) -> [] {
        let scores = forward(source, lengths, target).flatten(0, 1);
        cross_entropy(scores, following.flatten(), ignore_index = 0, label_smoothing = 0.1)
    }

    /// The attention of the decoder's last block to the source, for one pair.
    fn looks(source: u32[S], target: u32[T]) -> [T, S] {
        let there = ones([1, S]) > 0.0;
        let memory = encode(source.unsqueeze(0), there);
        let mut x = embed(target.unsqueeze(0));
        let mut weights = zeros([1, T, S]);
        for block in decoder {
            let (next, where_it_looked) = block.looking(x, memory, there);
            x = next;
            weights = where_it_looked;
        }
        weights.squeeze(0)
    }

    /// The same as `encode`, but keeps the keys and values of the decoder's blocks in the state.
    fn read(
        source: u32[B, S],
        lengths: u32[B],
        #[state] there: bool[B, S],
        #[state] source_keys: [LAYERS, B, S, D],
        #[state] source_values: [LAYERS, B, S, D],
    ) -> [B, S, D] {
        there = sequence_mask(lengths, S);
        let memory = encode(source, there);
        for (block, k, v) in zip(decoder, source_keys, source_values) {
            let (keys, values) = block.remember(memory);
            k = keys;
            v = values;
        }
        memory
    }

    /// Scores of the symbol after one more in each row. First, the kept row `b` becomes the kept row `parents[b]`: beam
    /// search continues one beginning in several ways, and drops others.
    fn next(
        last: u32[B],
        at: u32[],
        parents: u32[B],
        #[state] there: bool[B, S],
        #[state] source_keys: [LAYERS, B, S, D],
        #[state] source_values: [LAYERS, B, S, D],
        #[state] keys: [LAYERS, B, T, D],
        #[state] values: [LAYERS, B, T, D],
    ) -> [B, SYMBOLS] {
        let mut x = (symbols(last) + sinusoidal_positions(T, D).index_select(0, at.unsqueeze(0))).unsqueeze(1);
        keys = keys.index_select(1, parents);
        values = values.index_select(1, parents);
        for (block, sk, sv, k, v) in zip(decoder, source_keys, source_values, keys, values) {
            x = block.next(x, at, there, sk, sv, &mut k, &mut v);
        }
        scores(x).squeeze(1)
    }
}

/// A source, and a target that begins and ends with the same mark.
pub type Pair = (Vec<u32>, Vec<u32>);

/// The state of a training run between epochs.
pub struct Training {
    adam: AdamW,
    schedule: Schedule<OneCycleLR>,
    /// Draws the order of the pairs, and all other random numbers.
    pub numbers: Numbers,
    batch: usize,
}

impl Training {
    /// AdamW with a one-cycle schedule: the rate rises in the first fifth of all steps, then falls along a cosine.
    pub fn new(
        lr: f64,
        decay: f64,
        batch: usize,
        (epochs, pairs): (usize, usize),
        seed: u64,
    ) -> Self {
        let mut adam = AdamW::new(lr)
            .weight_decay(decay)
            .betas((0.9, 0.98))
            .clip_norm(1.0);
        let steps = (pairs.div_ceil(batch) * epochs) as u64;
        let schedule = OneCycleLR::new(lr, steps).pct_start(0.2).on(&mut adam);
        Self {
            adam,
            schedule,
            numbers: Numbers::new(seed),
            batch,
        }
    }

    /// One pass over the pairs, in batches of about equal lengths.
    pub fn pass<const V: usize, const W: usize, const H: usize, const L: usize, D>(
        &mut self,
        epoch: usize,
        net: &mut Seq2Seq<V, W, H, L, D>,
        pairs: &[Pair],
    ) -> crate::Result<Pass>
    where
        D: Device<Float = f32>,
    {
        // By the target's length first: most of the work is there.
        let lengths: Vec<usize> = pairs.iter().map(|p| 1000 * p.1.len() + p.0.len()).collect();
        let batches = buckets(&lengths, self.batch, &mut self.numbers);
        let mut order = batches.iter();
        pass(epoch, batches.len(), || {
            let Some(batch) = order.next() else {
                return Ok(None);
            };
            let some = batch.iter().map(|&at| &pairs[at]);
            let (source, lengths) = pad(some.clone().map(|p| p.0.as_slice()))?;
            // The decoder reads all but the end, and predicts all but the beginning.
            let (target, _) = pad(some.clone().map(|p| &p.1[..p.1.len() - 1]))?;
            let (following, _) = pad(some.map(|p| &p.1[1..]))?;
            let loss = net.loss_step(&mut self.adam, &source, &lengths, &target, &following)?;
            self.schedule.step(&mut self.adam);
            Ok(Some((loss, batch.len())))
        })
    }
}

/// How targets are written.
#[derive(Clone, Copy)]
pub struct Search {
    /// The symbol that begins and ends a target.
    pub mark: u32,
    /// The most symbols of a target, the end included.
    pub longest: usize,
    /// Beginnings that are followed at once; 1 is greedy.
    pub width: usize,
    /// How far longer targets are favoured: see [`Beam::length_penalty`].
    pub alpha: f64,
}

/// Writes the target of each source, without its marks.
///
/// Many sources are written at once, each in `width` rows of the batch, and each call adds one symbol to every row. A
/// finished search waits for the others.
pub fn write<const V: usize, const W: usize, const H: usize, const L: usize, D>(
    net: &Seq2Seq<V, W, H, L, D>,
    sources: &[Vec<u32>],
    search: Search,
) -> netform::Result<Vec<Vec<u32>>>
where
    D: Device<Float = f32>,
{
    let Search {
        mark,
        longest,
        width,
        alpha,
    } = search;
    let mut written = Vec::new();
    for sources in sources.chunks((256 / width).max(1)) {
        let rows = sources
            .iter()
            .flat_map(|s| std::iter::repeat_n(s.as_slice(), width));
        let rows: Vec<&[u32]> = rows.collect();
        let (source, lengths) = pad(rows.iter().copied())?;
        let mut state = net.state(rows.len(), source.shape()[1], longest)?;
        net.read(&source, &lengths, &mut state)?;
        let beam = Beam::new(width, longest).start(&[mark]).end(mark);
        let mut beams = Beams::new(vec![beam.length_penalty(alpha); sources.len()]);
        for at in 0..longest as u32 {
            let scores = net.next(beams.last(), at, beams.parents(), &mut state)?;
            if !beams.advance(scores.as_flattened())? {
                break;
            }
        }
        let text = |b: &Beam| {
            let symbols = b.best().symbols[1..].iter().copied();
            symbols.take_while(|s| *s != mark).collect()
        };
        written.extend(beams.iter().map(text));
    }
    Ok(written)
}
