//! Choosing symbols: greedy, sampled, beam search against all possible sequences.

use netform_runtime::generate::{Beam, Beams, Sampler};
use netform_runtime::{ChoiceProblem, Error, Result};

/// The frequency of each drawn symbol.
fn drawn(mut sampler: Sampler, scores: &[f32], times: usize) -> Result<Vec<f64>> {
    let mut count = vec![0.0; scores.len()];
    for _ in 0..times {
        count[sampler.pick(scores)?] += 1.0 / times as f64;
    }
    Ok(count)
}

fn softmax(scores: &[f32], temperature: f64) -> Vec<f64> {
    let e: Vec<f64> = scores
        .iter()
        .map(|s| (f64::from(*s) / temperature).exp())
        .collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|x| x / sum).collect()
}

#[test]
fn frequencies_are_probabilities() -> Result<()> {
    let scores = [0.3f32, -1.0, 2.0, 1.5, f32::NEG_INFINITY, f32::NAN];
    let whole = softmax(&scores[..4], 0.7);
    let near = |found: &[f64], wanted: &[f64]| {
        let far = found.iter().zip(wanted).any(|(a, b)| (a - b).abs() > 0.01);
        assert!(!far, "{found:?} against {wanted:?}");
    };
    let found = drawn(Sampler::new(1).temperature(0.7), &scores, 40_000)?;
    near(&found[..4], &whole);
    assert_eq!(found[4..], [0.0, 0.0]);
    // The two likeliest, by their shares.
    let pair = whole[2] + whole[3];
    let two = [0.0, 0.0, whole[2] / pair, whole[3] / pair];
    near(
        &drawn(Sampler::new(2).temperature(0.7).top_k(2), &scores, 40_000)?[..4],
        &two,
    );
    near(
        &drawn(
            Sampler::new(3).temperature(0.7).top_p(pair - 1e-6),
            &scores,
            40_000,
        )?[..4],
        &two,
    );
    near(
        &drawn(Sampler::new(3).temperature(0.7).top_p(1e-9), &scores, 100)?[..4],
        &[0.0, 0.0, 1.0, 0.0],
    );
    Ok(())
}

#[test]
fn the_same_seed_draws_the_same() -> Result<()> {
    let scores = [0.0f64; 50];
    let draw = |seed| -> Result<Vec<usize>> {
        let mut sampler = Sampler::new(seed);
        (0..20).map(|_| sampler.pick(&scores)).collect()
    };
    assert_eq!(draw(5)?, draw(5)?);
    assert_ne!(draw(5)?, draw(6)?);
    Ok(())
}

#[test]
fn greedy_takes_the_first_of_the_largest() -> Result<()> {
    assert_eq!(Sampler::greedy().pick(&[1.0f32, 3.0, 3.0, f32::NAN])?, 1);
    assert_eq!(Sampler::new(0).pick(&[1.0f32, f32::INFINITY])?, 1);
    Ok(())
}

/// The reason why there is no choice.
fn problem<T: std::fmt::Debug>(result: Result<T>) -> ChoiceProblem {
    match result {
        Err(Error::Choice { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let scores = [1.0f32, 2.0];
    let setting = |mut sampler: Sampler| problem(sampler.pick(&scores));
    assert_eq!(
        setting(Sampler::new(0).temperature(-1.0)),
        ChoiceProblem::Temperature { temperature: -1.0 }
    );
    let nan = setting(Sampler::new(0).temperature(f64::NAN));
    assert!(matches!(nan, ChoiceProblem::Temperature { temperature } if temperature.is_nan()));
    assert_eq!(setting(Sampler::new(0).top_k(0)), ChoiceProblem::TopK);
    for top_p in [0.0, 1.5] {
        let wanted = ChoiceProblem::TopP { top_p };
        assert_eq!(setting(Sampler::new(0).top_p(top_p)), wanted);
    }
    for scores in [&[][..], &[f32::NAN, f32::NEG_INFINITY]] {
        let wanted = ChoiceProblem::NoScore {
            scores: scores.len(),
        };
        assert_eq!(problem(Sampler::greedy().pick(scores)), wanted);
    }
    let mut beam = Beam::new(3, 5);
    let rows = |len| ChoiceProblem::Rows { rows: 3, len };
    assert_eq!(problem(beam.advance(&[0.0f32; 4])), rows(4));
    assert_eq!(
        problem(beam.advance(&[f32::NAN; 6])),
        ChoiceProblem::NoScores
    );
    assert_eq!(problem(beam.advance::<f32>(&[])), rows(0));
}

const SYMBOLS: usize = 4;
const END: u32 = 3;

/// Scores of the symbol after a sequence: they look random and depend on all of it.
fn scores(sequence: &[u32], salt: u64) -> [f64; SYMBOLS] {
    let mut z = salt;
    for s in sequence {
        z = (z ^ u64::from(*s + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z ^= z >> 29;
    }
    std::array::from_fn(|k| {
        let z = (z ^ (k as u64 + 11)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((z ^ (z >> 31)) >> 40) as f64 / (1u64 << 22) as f64
    })
}

fn search(width: usize, max_len: usize, alpha: f64, salt: u64) -> Result<Beam> {
    let mut beam = Beam::new(width, max_len)
        .start(&[0])
        .end(END)
        .length_penalty(alpha);
    loop {
        let rows: Vec<f64> = beam.sequences().flat_map(|s| scores(s, salt)).collect();
        if !beam.advance(&rows)? {
            return Ok(beam);
        }
    }
}

/// The best score of all sequences that end within `left` symbols.
fn best(sequence: &mut Vec<u32>, log_prob: f64, left: usize, alpha: f64, salt: u64) -> f64 {
    let mut found = f64::NEG_INFINITY;
    let row = scores(sequence, salt);
    let norm = row.iter().map(|s| s.exp()).sum::<f64>().ln();
    for (k, s) in row.iter().enumerate() {
        let p = log_prob + s - norm;
        sequence.push(k as u32);
        let steps = sequence.len() as f64 - 1.0;
        if k as u32 == END {
            found = found.max(p / ((5.0 + steps) / 6.0).powf(alpha));
        } else if left > 1 {
            found = found.max(best(sequence, p, left - 1, alpha, salt));
        }
        sequence.pop();
    }
    found
}

/// With enough hypotheses it finds the best sequence; with one hypothesis it is greedy.
#[test]
fn a_wide_beam_finds_the_best() -> Result<()> {
    for salt in 1..60 {
        for alpha in [0.0, 0.6, 1.0] {
            let beam = search(200, 5, alpha, salt)?;
            let h = beam.best();
            assert!(h.ended);
            let steps = h.symbols.len() as f64 - 1.0;
            let found = h.log_prob / ((5.0 + steps) / 6.0).powf(alpha);
            let wanted = best(&mut vec![0], 0.0, 5, alpha, salt);
            assert!(
                (found - wanted).abs() < 1e-9,
                "{salt}, {alpha}: {found} against {wanted}"
            );
        }
        let mut greedy = Vec::new();
        for alpha in [0.0, 0.6, 1.0, 3.0] {
            greedy.push(search(1, 5, alpha, salt)?.best().symbols.clone());
        }
        let mut sequence = vec![0];
        let mut sampler = Sampler::greedy();
        while sequence.len() < 6 && sequence.last() != Some(&END) {
            let next = sampler.pick(&scores(&sequence, salt))?;
            sequence.push(next as u32);
        }
        assert!(greedy.iter().all(|g| *g == sequence), "{greedy:?}");
    }
    Ok(())
}

/// A state that is selected by `parents` belongs to the sequences.
#[test]
fn parents_lead_to_the_sequences() -> Result<()> {
    let mut beam = Beam::new(5, 8).start(&[0, 1]).end(END);
    let mut state: Vec<Vec<u32>> = vec![vec![0]; 5];
    loop {
        state = (beam.parents().iter().zip(beam.last()))
            .map(|(p, s)| [state[*p as usize].as_slice(), &[*s]].concat())
            .collect();
        let sequences: Vec<Vec<u32>> = beam.sequences().map(<[u32]>::to_vec).collect();
        assert_eq!(state, sequences);
        let rows: Vec<f64> = beam.sequences().flat_map(|s| scores(s, 9)).collect();
        if !beam.advance(&rows)? {
            break;
        }
    }
    let ranked = beam.ranked();
    assert!(ranked.windows(2).all(|w| w[0].ended >= w[1].ended));
    Ok(())
}

/// Searches with different widths and starts that run together find the same results as each alone, and their parents
/// are rows of one batch.
#[test]
fn searches_together_are_those_alone() -> Result<()> {
    let one = |width, begin: &[u32], alpha| {
        Beam::new(width, 7)
            .start(begin)
            .end(END)
            .length_penalty(alpha)
    };
    let begins = [(3, &[0u32][..], 0.0), (5, &[1], 0.6), (1, &[2], 1.0)];
    for salt in 1..40 {
        let mut beams = Beams::new(begins.iter().map(|(w, s, a)| one(*w, s, *a)));
        let mut state: Vec<Vec<u32>> = vec![vec![]; 9];
        assert_eq!(beams.last(), [0, 0, 0, 1, 1, 1, 1, 1, 2]);
        assert_eq!(beams.parents(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        loop {
            state = (beams.parents().iter().zip(beams.last()))
                .map(|(p, s)| [state[*p as usize].as_slice(), &[*s]].concat())
                .collect();
            let mut rows = Vec::new();
            for (beam, state) in beams.iter().zip([&state[..3], &state[3..8], &state[8..]]) {
                for (sequence, kept) in beam.sequences().zip(state) {
                    // The state of a search that is over no longer matters.
                    assert!(sequence.len() < kept.len() || sequence == kept);
                    rows.extend(scores(sequence, salt));
                }
            }
            if !beams.advance(&rows)? {
                break;
            }
        }
        for (beam, (width, begin, alpha)) in beams.iter().zip(begins) {
            let mut alone = one(width, begin, alpha);
            loop {
                let rows: Vec<f64> = alone.sequences().flat_map(|s| scores(s, salt)).collect();
                if !alone.advance(&rows)? {
                    break;
                }
            }
            assert_eq!(beam.ranked(), alone.ranked());
        }
        let wrong = beams.advance(&[0.0f32; 10]);
        assert!(matches!(
            problem(wrong),
            ChoiceProblem::Rows { len: 10, .. }
        ));
    }
    assert!(!Beams::new([]).advance::<f32>(&[])?);
    Ok(())
}

/// A score of infinity forces a symbol, both in a beam and when drawn.
#[test]
fn a_forced_symbol() -> Result<()> {
    let scores = [0.0f32, f32::INFINITY, 5.0];
    assert_eq!(Sampler::new(1).pick(&scores)?, 1);
    let mut beam = Beam::new(2, 3);
    while beam.advance(&[scores, scores].concat())? {}
    assert_eq!(beam.best().symbols, [0, 1, 1, 1]);
    assert_eq!(beam.best().log_prob, 0.0);
    Ok(())
}
