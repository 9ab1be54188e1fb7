//! Did they like the film? A recurrent network reads sentences of movie reviews, and is right for above 82.1 % of them
//! (logistic regression on words and pairs of words reaches 82.1 %). It learns from 8,560 sentences alone, without word
//! vectors from elsewhere.
//!
//! Each word becomes the sum of three learnt vectors: its own, that of its first five letters (so that *enjoyable*
//! learns from *enjoy*), and that of the pair with the word before (*not funny*). Words and pairs that occur only once
//! in the training part are unknown. An LSTM or GRU reads these from both ends. The classifier reads the mean and the
//! maximum of each of its outputs, and the mean of the vectors themselves. The target is the mean rating of about
//! twenty people rather than yes or no: a sentence with a lukewarm rating should not be learnt as if it were clear.
//!
//! With so little text most of the work is against overfitting: dropout, hidden words, small sizes, few epochs, and a
//! vote of five networks. `docs/sentiment.md` is the log of what was tried, measured with `--validate` on the last
//! 1,500 training sentences. Sentences with "but" are the hard ones, and are reported separately.
//!
//!     cargo run --release --example sentiment -- --model lstm

use clap::{Parser, ValueEnum};
use common::text::{UNKNOWN, Vocabulary, buckets, pad, pairs, tsv, words};
use common::training::{Flags, pass};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

/// Rows of the tables of words, beginnings and pairs.
const WORDS: usize = 8000;
const BEGINNINGS: usize = 6000;
const PAIRS: usize = 16000;

/// Declares the network with one kind of recurrent layer.
macro_rules! reader {
    ($name:ident, $layer:ident) => {
        network! {
            /// Words, beginnings and pairs through a recurrent layer in both directions.
            pub struct $name {
                word: Param[WORDS, 64] = normal(0.1),
                beginning: Param[BEGINNINGS, 64] = zeros,
                pair: Param[PAIRS, 64] = zeros,
                recurrent: $layer(64 -> 64, bidirectional = true),
                score: Linear(320 -> 1),
                dropout: Dropout(p = 0.5),
            }

            /// Above 0: they liked it.
            fn forward(words: u32[B, T], beginnings: u32[B, T], pairs: u32[B, T], lengths: u32[B]) -> [B] {
                let x = embedding(words, word) + embedding(beginnings, beginning) + embedding(pairs, pair);
                let x = dropout(x);
                let (y, _) = recurrent(x, lengths = lengths);
                let pooled = cat([sequence_mean(y, lengths), sequence_max(y, lengths), sequence_mean(x, lengths)], dim = 1);
                score(dropout(pooled)).squeeze(1)
            }

            /// The error against people's ratings: about the share that liked it.
            fn loss(words: u32[B, T], beginnings: u32[B, T], pairs: u32[B, T], lengths: u32[B], liked: [B]) -> [] {
                binary_cross_entropy_with_logits(forward(words, beginnings, pairs, lengths), liked)
            }
        }

        impl<D: Device<Float = f32>> Reader<D> for $name<D> {
            fn step(&mut self, adam: &mut AdamW, [words, beginnings, pairs]: &[Tensor; 3], lengths: &[u32], liked: &[f32])
                -> netform::Result<netform::Loss<D>>
            {
                self.loss_step(adam, words, beginnings, pairs, lengths, liked)
            }
            fn scores(&self, [words, beginnings, pairs]: &[Tensor; 3], lengths: &[u32]) -> netform::Result<Vec<f32>> {
                Ok(self.forward(words, beginnings, pairs, lengths)?.to_vec())
            }
        }
    };
}
reader!(Lstm, LSTM);
reader!(Gru, GRU);

/// The common interface of both networks, for the loop below.
trait Reader<D: Device>: Network {
    fn step(
        &mut self,
        adam: &mut AdamW,
        x: &[Tensor; 3],
        lengths: &[u32],
        liked: &[f32],
    ) -> netform::Result<netform::Loss<D>>;
    fn scores(&self, x: &[Tensor; 3], lengths: &[u32]) -> netform::Result<Vec<f32>>;
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Model {
    Lstm,
    Gru,
}

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// The recurrent layer.
    #[arg(long, value_enum, default_value_t = Model::Lstm)]
    model: Model,
    /// Networks that vote.
    #[arg(long, default_value_t = 5)]
    networks: u64,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 3e-3)]
    lr: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.1)]
    decay: f64,
    /// Percentage of words that are hidden in training.
    #[arg(long, default_value_t = 10)]
    hide: usize,
    /// A rating r is learnt as the probability `sigmoid(r * sharpness)`; 0: as yes or no.
    #[arg(long, default_value_t = 1.0)]
    sharpness: f32,
    /// Leaves out the beginnings of words.
    #[arg(long)]
    no_beginnings: bool,
    /// Leaves out pairs of words.
    #[arg(long)]
    no_pairs: bool,
}

fn beginning(word: &str) -> String {
    word.chars().take(5).collect()
}

/// The three kinds of number of each word.
type Sentence = [Vec<u32>; 3];

struct Tables {
    words: Vocabulary<String>,
    beginnings: Vocabulary<String>,
    pairs: Vocabulary<String>,
}

impl Tables {
    fn new(texts: &[Vec<String>]) -> Self {
        let all = || texts.iter().flatten();
        Self {
            words: Vocabulary::new(all().cloned(), WORDS, 2),
            beginnings: Vocabulary::new(all().map(|w| beginning(w)), BEGINNINGS, 2),
            pairs: Vocabulary::new(texts.iter().flat_map(|t| pairs(t)), PAIRS, 2),
        }
    }

    fn sentence(&self, text: &[String], args: &Args) -> Sentence {
        let one = |off: bool, number: u32| if off { UNKNOWN } else { number };
        let beginnings = text
            .iter()
            .map(|w| one(args.no_beginnings, self.beginnings.number(&beginning(w))));
        let pairs = pairs(text).map(|p| one(args.no_pairs, self.pairs.number(&p)));
        [
            text.iter().map(|w| self.words.number(w)).collect(),
            beginnings.collect(),
            pairs.collect(),
        ]
    }
}

/// The sentences of a batch, padded.
fn batch(sentences: &[Sentence]) -> netform::Result<([Tensor; 3], Vec<u32>)> {
    let kind = |k: usize| pad(sentences.iter().map(|s| s[k].as_slice()));
    let ((a, lengths), (b, _), (c, _)) = (kind(0)?, kind(1)?, kind(2)?);
    Ok(([a, b, c], lengths))
}

/// The network's opinion of each sentence.
fn opinions<D: Device>(net: &impl Reader<D>, sentences: &[Sentence]) -> netform::Result<Vec<f32>> {
    let mut all = Vec::new();
    for some in sentences.chunks(200) {
        let (x, lengths) = batch(some)?;
        all.extend(net.scores(&x, &lengths)?);
    }
    Ok(all)
}

/// The share of right answers in percent, over the sentences that `with` chooses.
fn accuracy(scores: &[f32], samples: &[[String; 3]], with: impl Fn(&[String; 3]) -> bool) -> f64 {
    let those = || scores.iter().zip(samples).filter(|s| with(s.1));
    let right = those().filter(|(score, s)| (**score > 0.0) == (s[0] == "1"));
    100.0 * right.count() as f64 / those().count().max(1) as f64
}

fn has_but(sample: &[String; 3]) -> bool {
    words(&sample[2]).iter().any(|w| w == "but")
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| start(device, args))
}

fn start<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    match args.model {
        Model::Lstm => {
            println!("{}\n", Lstm::graph());
            vote(args, |seed| Lstm::new(device.clone(), seed))
        }
        Model::Gru => {
            println!("{}\n", Gru::graph());
            vote(args, |seed| Gru::new(device.clone(), seed))
        }
    }
}

fn vote<D: Device, N: Reader<D>>(
    args: Args,
    new: impl Fn(u64) -> netform::Result<N>,
) -> common::Result {
    let flags = &args.flags;
    let files = (tsv::<3>("sentiment/train.tsv")?, tsv("sentiment/test.tsv")?);
    let (samples, test) = flags.split(files.0, files.1, 1500);
    let texts: Vec<Vec<String>> = samples.iter().map(|s| words(&s[2])).collect();
    let tables = Tables::new(&texts);
    println!(
        "{} words, {} beginnings, {} pairs",
        tables.words.len(),
        tables.beginnings.len(),
        tables.pairs.len()
    );
    let x: Vec<Sentence> = texts.iter().map(|t| tables.sentence(t, &args)).collect();
    let test_x: Vec<Sentence> = test
        .iter()
        .map(|s| tables.sentence(&words(&s[2]), &args))
        .collect();
    let chance = |s: &[String; 3]| {
        let rating: f32 = s[1].parse().map_err(|_| format!("{} is no rating", s[1]))?;
        Ok(match args.sharpness {
            0.0 => f32::from(u8::from(s[0] == "1")),
            sharpness => 1.0 / (1.0 + (-rating * sharpness).exp()),
        })
    };
    let liked = samples
        .iter()
        .map(chance)
        .collect::<common::Result<Vec<f32>>>()?;

    let out = common::out_folder(flags.out.clone())?;
    let mut votes = vec![0.0; test.len()];
    for seed in flags.seed..flags.seed + args.networks {
        let mut net = new(seed)?;
        train(&mut net, &args, seed, (&x, &liked), (&test_x, &test))?;
        for (vote, score) in votes.iter_mut().zip(opinions(&net, &test_x)?) {
            *vote += score / args.networks as f32;
        }
        let name = format!("sentiment_{:?}_{seed}.safetensors", args.model).to_lowercase();
        net.save(out.join(name))?;
    }
    println!();
    for (sample, score) in test.iter().zip(&votes).take(8) {
        let right = if (*score > 0.0) == (sample[0] == "1") {
            "right"
        } else {
            "wrong"
        };
        println!(
            "{score:+.2} ({right}, people said {}): {}",
            sample[1], sample[2]
        );
    }
    println!("weights are in {}", out.display());
    let measured = flags.measured();
    println!(
        "{measured} accuracy of sentences with \"but\": {:.2} %",
        accuracy(&votes, &test, has_but)
    );
    println!(
        "{measured} accuracy: {:.2} %",
        accuracy(&votes, &test, |_| true)
    );
    Ok(())
}

fn train<D: Device>(
    net: &mut impl Reader<D>,
    args: &Args,
    seed: u64,
    (x, liked): (&[Sentence], &[f32]),
    (test_x, test): (&[Sentence], &[[String; 3]]),
) -> common::Result {
    let lengths: Vec<usize> = x.iter().map(|s| s[0].len()).collect();
    let epochs = args.flags.epochs.unwrap_or(8);
    let mut numbers = common::Numbers::new(seed);
    let steps = x.len().div_ceil(64) * epochs;
    let mut adam = AdamW::new(args.lr).weight_decay(args.decay).clip_norm(1.0);
    let mut schedule = OneCycleLR::new(args.lr, steps as u64).on(&mut adam);
    for epoch in 1..=epochs {
        let batches = buckets(&lengths, 64, &mut numbers);
        let mut order = batches.iter();
        let seen = pass(epoch, batches.len(), || {
            let Some(at) = order.next() else {
                return Ok(None);
            };
            let mut some: Vec<Sentence> = at.iter().map(|&at| x[at].clone()).collect();
            for sentence in &mut some {
                for k in 0..sentence[0].len() {
                    if numbers.below(100) < args.hide {
                        sentence.iter_mut().for_each(|kind| kind[k] = UNKNOWN);
                    }
                }
            }
            let (words, lengths) = batch(&some)?;
            let liked: Vec<f32> = at.iter().map(|&at| liked[at]).collect();
            let loss = net.step(&mut adam, &words, &lengths, &liked)?;
            schedule.step(&mut adam);
            Ok(Some((loss, at.len())))
        })?;
        let right = accuracy(&opinions(net, test_x)?, test, |_| true);
        println!(
            "network {seed}, epoch {epoch}: loss {:.4}, {} accuracy {right:.1} %, {:.0} sentences/s",
            seen.loss,
            args.flags.measured(),
            seen.speed
        );
    }
    Ok(())
}
