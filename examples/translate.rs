//! English into French: the sentences of programs, such as "Are you sure you want to delete {0}?".
//!
//! A translation has different words from its source, in another order and number. An encoder-decoder Transformer reads
//! the whole source before it writes, and attends to the part that matters for each word. 7,466 pairs are few for it: a
//! table of whole words would see most of them once. So words are cut into frequent pieces ([`common::text::Pieces`]),
//! differently in every epoch, which makes more of few texts; dropout and label smoothing do the rest.
//!
//! It writes in two ways. Greedy search takes the likeliest piece, again and again. Beam search continues the four
//! likeliest beginnings side by side, so that a piece that looks good only at first does not decide everything. Both
//! keep the keys and values of the written pieces (see `common/seq2seq.rs`).
//!
//! The measures are the share of translations that are right in every character, and the character error rate: the
//! number of wrong characters, in percent of the characters of the right translations. Taking the translation of the
//! nearest training sentence gets 0.9 % right, and 55.9 % errors. A translation other than the one in the file may be
//! as good; here it is wrong.
//!
//! The picture `translate_attention.svg` shows where the decoder's last block attends in the source while it writes a
//! sentence. The settings were chosen with `--validate`, on the last 700 training pairs, without pairs whose source has
//! the letters of a training sentence (the test pairs leave such pairs out, too); the test pairs are used only to
//! measure.
//!
//!     cargo run --release --example translate

use std::collections::HashSet;
use std::path::Path;

use clap::Parser;
use common::seq2seq::{Pair, Search, Seq2Seq, Training, write};
use common::text::{Pieces, Vocabulary, edits, tsv};
use common::training::Flags;
use netform::prelude::*;
use plotters::prelude::*;

/// Table rows for the pieces, the mark, padding and the unknown piece.
const SYMBOLS: usize = 1500;

/// Width 128, four heads, three blocks on each side.
type Translator<D = Cpu> = Seq2Seq<SYMBOLS, 128, 4, 3, D>;

/// The mark at both ends of a translation.
const MARK: &str = "\n";

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Sentences in a batch.
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.05)]
    decay: f64,
    /// Percentage of joins of pieces that are left out in training.
    #[arg(long, default_value_t = 10)]
    skip: usize,
    /// Beginnings that beam search follows.
    #[arg(long, default_value_t = 4)]
    beam: usize,
    /// How far beam search favours longer translations.
    #[arg(long, default_value_t = 0.6)]
    alpha: f64,
}

/// A text's letters in lower case.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    letters.flat_map(char::to_lowercase).collect()
}

/// Texts and the numbers of their pieces.
struct Table {
    pieces: Pieces,
    numbers: Vocabulary<String>,
}

impl Table {
    fn new(samples: &[[String; 2]]) -> Self {
        let pieces = Pieces::learn(samples.iter().flatten().map(String::as_str), SYMBOLS - 3);
        let all = pieces.all().cloned().chain([MARK.to_owned()]);
        let numbers = Vocabulary::new(all, SYMBOLS, 1);
        Self { pieces, numbers }
    }

    fn mark(&self) -> u32 {
        self.numbers.number(&MARK.to_owned())
    }

    fn read(&self, text: &str, skip: impl FnMut() -> bool) -> Vec<u32> {
        let pieces = self.pieces.cut(text, skip);
        pieces.iter().map(|p| self.numbers.number(p)).collect()
    }

    fn piece(&self, number: u32) -> &str {
        self.numbers.symbol(number).map_or("", String::as_str)
    }

    fn text(&self, numbers: &[u32]) -> String {
        numbers.iter().map(|n| self.piece(*n)).collect()
    }
}

/// Translations that are right, and wrong characters, both in percent.
fn measure(read: &[String], test: &[[String; 2]]) -> (f64, f64) {
    let right = read.iter().zip(test).filter(|(r, t)| **r == t[1]).count();
    let wrong: usize = read.iter().zip(test).map(|(r, t)| edits(r, &t[1])).sum();
    let all: usize = test.iter().map(|t| t[1].chars().count()).sum();
    let percent = |a: usize, b: usize| 100.0 * a as f64 / b.max(1) as f64;
    (percent(right, test.len()), percent(wrong, all))
}

/// A row for each written piece, a column for each piece of the source; darker for more attention.
fn draw_attention(
    path: &Path,
    source: &[String],
    target: &[String],
    weights: &[f32],
) -> common::Result {
    const SIDE: i32 = 26;
    const EDGE: i32 = 130;
    let at = |k: usize| EDGE + SIDE * k as i32;
    let size = (at(source.len()) as u32 + 16, at(target.len()) as u32 + 16);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let font = ("sans-serif", 14).into_font();
    let upwards = font.clone().transform(FontTransform::Rotate270);
    for (k, piece) in source.iter().enumerate() {
        root.draw(&Text::new(
            piece.as_str(),
            (at(k) + 6, EDGE - 8),
            upwards.clone(),
        ))?;
    }
    for ((k, piece), weights) in target.iter().enumerate().zip(weights.chunks(source.len())) {
        root.draw(&Text::new(piece.as_str(), (8, at(k) + 6), font.clone()))?;
        for (j, weight) in weights.iter().enumerate() {
            let light = (255.0 * (1.0 - weight)).round() as u8;
            let corners = [(at(j), at(k)), (at(j) + SIDE - 1, at(k) + SIDE - 1)];
            root.draw(&Rectangle::new(
                corners,
                RGBColor(light, light, 255).filled(),
            ))?;
        }
    }
    root.present()?;
    Ok(())
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let flags = &args.flags;
    let (samples, mut test) =
        flags.split(tsv::<2>("en-fr/train.tsv")?, tsv("en-fr/test.tsv")?, 700);
    let known: HashSet<String> = samples.iter().map(|s| letters(&s[0])).collect();
    test.retain(|t| !known.contains(&letters(&t[0])));
    let table = Table::new(&samples);
    let sources: Vec<Vec<u32>> = test.iter().map(|t| table.read(&t[0], || false)).collect();
    let translate = |net: &Translator<D>, width: usize| -> netform::Result<Vec<String>> {
        let search = Search {
            mark: table.mark(),
            longest: 60,
            width,
            alpha: args.alpha,
        };
        let written = write(net, &sources, search)?;
        Ok(written.iter().map(|w| table.text(w)).collect())
    };

    let mut net = Translator::new(device, flags.seed)?;
    println!("{}\n", <Translator>::graph());
    let epochs = flags.epochs.unwrap_or(40);
    let size = (epochs, samples.len());
    let mut training = Training::new(args.lr, args.decay, args.batch, size, flags.seed);
    let (mut losses, mut errors) = (Vec::new(), Vec::new());
    for epoch in 1..=epochs {
        let numbers = &mut training.numbers;
        let mut read = |text: &str| table.read(text, || numbers.below(100) < args.skip);
        let mark = table.mark();
        let pair = |[from, to]: &[String; 2]| (read(from), [&[mark], &*read(to), &[mark]].concat());
        let pairs: Vec<Pair> = samples.iter().map(pair).collect();
        let seen = training.pass(epoch, &mut net, &pairs)?;
        losses.push((epoch as f64, seen.loss));
        if epoch % 5 == 0 || epoch == epochs {
            let (right, wrong) = measure(&translate(&net, 1)?, &test);
            errors.push((epoch as f64, wrong));
            println!(
                "epoch {epoch}: loss {:.4}, {} exact {right:.1} %, character error rate {wrong:.1} %, \
                 {:.0} sentences/s",
                seen.loss,
                flags.measured(),
                seen.speed
            );
        }
    }

    let out = common::out_folder(flags.out.clone())?;
    net.save(out.join("translate.safetensors"))?;
    for (file, title, points) in [
        ("translate_loss.svg", "training loss", &losses),
        ("translate_errors.svg", "character error rate, %", &errors),
    ] {
        let line = common::Curve {
            name: title,
            points,
        };
        common::draw_curves(&out.join(file), title, "epoch", &[line])?;
    }
    let (greedy, beam) = (translate(&net, 1)?, translate(&net, args.beam)?);
    for (([from, to], greedy), beam) in test.iter().zip(&greedy).zip(&beam).take(5) {
        println!("\n{from}\n  people:      {to}\n  greedy:      {greedy}\n  beam search: {beam}");
    }

    // The first sentence of at least 8 pieces.
    let some = sources.iter().zip(&beam).find(|s| s.0.len() >= 8);
    if let Some((source, translation)) = some.or(sources.iter().zip(&beam).next()) {
        let mark = table.mark();
        let target = [&[mark], &*table.read(translation, || false)].concat();
        let weights = net.looks(source, &target)?;
        let name = |n: &u32| match table.piece(*n) {
            MARK => "(end)".to_owned(),
            piece => piece.replace(' ', "\u{b7}"),
        };
        // Each position writes the piece after it.
        let written = target[1..]
            .iter()
            .chain([&mark])
            .map(name)
            .collect::<Vec<_>>();
        let read = source.iter().map(name).collect::<Vec<_>>();
        let file = out.join("translate_attention.svg");
        draw_attention(&file, &read, &written, &weights)?;
    }

    println!(
        "\nweights, curves and a map of attention are in {}",
        out.display()
    );
    let measured = flags.measured();
    let (right, wrong) = measure(&greedy, &test);
    println!("{measured}, greedy: exact {right:.2} %, character error rate {wrong:.2} %");
    let (right, wrong) = measure(&beam, &test);
    println!("{measured} exact: {right:.2} %, character error rate {wrong:.2} %");
    Ok(())
}
