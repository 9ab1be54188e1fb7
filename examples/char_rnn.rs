//! A GRU that predicts the next character of Shakespeare: below 2.02 nats per character on a play that it never saw
//! (counting runs of six characters reaches 2.02).
//!
//! The text is cut into pieces of 100 characters. At every character of a piece, the network gives the probability of
//! each possible next one. The loss is the mean of `-ln(probability of the right one)`, in *nats*. The network learns
//! spelling, words and verse only as far as they lower that number.
//!
//! To write, the network runs one character at a time. Its memory is a `#[state]` that stays in place from call to
//! call, and each character that is drawn is the next input. The test text is read the same way, in long stretches with
//! the memory kept between them.
//!
//! The settings were chosen with `--validate`, on the last 50,000 training characters.
//!
//!     cargo run --release --example char_rnn

use clap::Parser;
use common::Curve as Line;
use common::text::Vocabulary;
use common::training::{Flags, pass};
use netform::data::Loader;
use netform::generate::Sampler;
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

/// Table rows for the characters of the text.
const CHARACTERS: usize = 80;
const WIDTH: usize = 256;
/// Characters of a piece.
const PIECE: usize = 100;
/// Characters per call when measuring.
const STRETCH: usize = 200;

network! {
    /// One GRU over characters.
    pub struct CharRnn {
        character: Embedding(CHARACTERS -> 64),
        gru: GRU(64 -> WIDTH),
        next: Linear(WIDTH -> CHARACTERS),
        dropout: Dropout(p = 0.1),
    }

    /// The error of the scores against the next characters.
    fn loss(text: u32[B, T], after: u32[B, T]) -> [] {
        let (y, _) = gru(character(text));
        cross_entropy(next(dropout(y)).flatten(0, 1), after.flatten())
    }

    /// The same, with the memory kept from call to call.
    #[eval]
    fn measure(text: u32[B, T], after: u32[B, T], #[state] memory: [1, B, WIDTH]) -> [] {
        let (y, last) = gru(character(text), memory);
        memory = last;
        cross_entropy(next(y).flatten(0, 1), after.flatten())
    }

    /// Scores of the next character.
    fn write(one: u32[B, 1], #[state] memory: [1, B, WIDTH]) -> [B, CHARACTERS] {
        let (_, last) = gru(character(one), memory);
        memory = last;
        next(last[0])
    }
}

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 4e-3)]
    lr: f64,
    /// How many characters to write at the end.
    #[arg(long, default_value_t = 600)]
    write: usize,
    /// Below 1, likely characters become likelier.
    #[arg(long, default_value_t = 0.8)]
    temperature: f64,
}

fn read(part: &str) -> common::Result<Vec<char>> {
    let path = common::data(&format!("shakespeare/{part}.txt"));
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.chars().collect())
}

/// Nats per character over a whole text, which is read in parallel from a few places.
fn nats<D: Device<Float = f32>>(net: &CharRnn<D>, text: &[u32]) -> common::Result<f64> {
    let places = 16;
    let each = (text.len() - 1) / places;
    let mut state = net.state(places)?;
    let (mut sum, mut count) = (0.0, 0);
    for from in (0..each).step_by(STRETCH) {
        let length = STRETCH.min(each - from);
        let part = |shift: usize| {
            let starts = (0..places).map(|p| p * each + from + shift);
            let parts: Vec<u32> = starts.flat_map(|s| text[s..s + length].to_vec()).collect();
            Tensor::from_vec([places, length], parts)
        };
        let loss = net.measure(&part(0)?, &part(1)?, &mut state)?.item()?;
        sum += f64::from(loss) * length as f64;
        count += length;
    }
    Ok(sum / count.max(1) as f64)
}

/// Continues a beginning.
fn sample<D: Device<Float = f32>>(
    net: &CharRnn<D>,
    characters: &Vocabulary<char>,
    args: &Args,
) -> common::Result<String> {
    let mut text = "PROSPERO.\n".to_owned();
    let mut sampler = Sampler::new(args.flags.seed).temperature(args.temperature);
    let mut state = net.state(1)?;
    let mut pick = |c: char| -> netform::Result<usize> {
        let scores = net.write(&[[characters.number(&c)]], &mut state)?;
        sampler.pick(scores.to_tensor().as_slice::<f32>()?)
    };
    let mut chosen = 0;
    for c in text.clone().chars() {
        chosen = pick(c)?;
    }
    for _ in 0..args.write {
        let c = characters.symbol(chosen as u32).copied().unwrap_or(' ');
        text.push(c);
        chosen = pick(c)?;
    }
    Ok(text)
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let flags = &args.flags;
    let (text, test) = flags.split(read("train")?, read("test")?, 50_000);
    let characters = Vocabulary::new(text.iter().copied(), CHARACTERS, 1);
    let numbers =
        |text: &[char]| -> Vec<u32> { text.iter().map(|c| characters.number(c)).collect() };
    let (text, test) = (numbers(&text), numbers(&test));
    let epochs = flags.epochs.unwrap_or(8);

    let mut net = CharRnn::new(device, flags.seed)?;
    println!("{}\n", CharRnn::graph());
    let starts: Vec<usize> = (0..(text.len() - 1) / PIECE - 1)
        .map(|k| k * PIECE)
        .collect();
    let mut loader = Loader::new(&starts, &starts, 32)?
        .shuffle(flags.seed)
        .drop_last();
    let batches = loader.batches();
    let mut adam = AdamW::new(args.lr).weight_decay(0.01).clip_norm(1.0);
    let mut schedule = OneCycleLR::new(args.lr, (batches * epochs) as u64).on(&mut adam);
    // Every epoch cuts the text at different places.
    let mut shifts = common::Numbers::new(flags.seed);
    let (mut losses, mut tests) = (Vec::new(), Vec::new());
    for epoch in 1..=epochs {
        let shift = shifts.below(PIECE);
        let mut order = loader.epoch();
        let seen = pass(epoch, batches, || {
            let Some((starts, _)) = order.next() else {
                return Ok(None);
            };
            let pieces = |shift: usize| {
                let pieces = starts
                    .iter()
                    .map(|s| text[s + shift..s + shift + PIECE].to_vec());
                Tensor::from_vec([starts.len(), PIECE], pieces.collect::<Vec<_>>().concat())
            };
            let loss = net.loss_step(&mut adam, &pieces(shift)?, &pieces(shift + 1)?)?;
            schedule.step(&mut adam);
            Ok(Some((loss, PIECE * starts.len())))
        })?;
        let measured = nats(&net, &test)?;
        losses.push((epoch as f64, seen.loss));
        tests.push((epoch as f64, measured));
        println!(
            "epoch {epoch}: loss {:.4}, {} {measured:.4} nats, {:.0} characters/s",
            seen.loss,
            flags.measured(),
            seen.speed
        );
    }
    let out = common::out_folder(flags.out.clone())?;
    net.save(out.join("char_rnn.safetensors"))?;
    let name = format!("{} text", flags.measured());
    let lines = [("training text", &losses), (name.as_str(), &tests)];
    let lines = lines.map(|(name, points)| Line { name, points });
    common::draw_curves(
        &out.join("char_rnn.svg"),
        "Nats a character",
        "epoch",
        &lines,
    )?;
    println!("\n{}\n", sample(&net, &characters, &args)?);
    println!("weights and curves are in {}", out.display());
    println!(
        "{} nats a character: {:.4}",
        flags.measured(),
        nats(&net, &test)?
    );
    Ok(())
}
