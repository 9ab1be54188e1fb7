//! Kept values: `#[state]`, a cache in decoding, buffers.

use netform::Error;
use netform::prelude::*;

use crate::device::own;

network! {
    struct Decoder {
        token: Embedding(11 -> 6),
        query: Linear(6 -> 6),
        keys: [Linear(6 -> 6); 2],
        head: Linear(6 -> 11),
    }
    fn decode(tokens: u32[B], position: u32[], #[state] cache: [2, B, S, 6], #[state] count: i32[]) -> [B, 11] {
        let mut x = token(tokens);
        for (key, k) in zip(keys, cache) {
            k = k.index_copy(1, position, key(x));
            let seen = (arange(S) <= position).unsqueeze(0);
            let y = scaled_dot_product_attention(query(x).unsqueeze(1), k, k, attn_mask = seen);
            x = x + y.squeeze(1);
        }
        count = count + 1;
        head(x)
    }
}

network! {
    /// Batch normalisation, beside a table that may be asked for a row that it lacks.
    struct Norm {
        table: Embedding(5 -> 3, padding_idx = 2),
        running_mean: Buffer[3],
        running_var: Buffer[3] = ones,
        batches: Buffer<i64>[],
        counts: Buffer<i64>[5],
        seen: Buffer<bool>[5],
    }
    fn forward(rows: u32[B]) -> [B, 3] {
        let x = table(rows);
        let (mean, var) = if training {
            running_mean = lerp(running_mean, x.mean(0), 0.1);
            running_var = lerp(running_var, x.var(0), 0.1);
            batches = batches + 1;
            counts = counts + one_hot(rows, 5).sum(0);
            seen = seen | (counts > 1);
            (x.mean(0), x.var(0, correction = 0))
        } else {
            (running_mean, running_var)
        };
        (x - mean) * rsqrt(var + 1e-5)
    }
    fn loss(rows: u32[B], y: [B, 3]) -> [] { mse_loss(forward(rows), y) }
}

mod scenario {
    use super::*;
    use crate::both::{Values, random};
    use netform::Result;

    pub fn decoding_with_a_cache<D: Device>(device: D) -> Result<Values> {
        let net = Decoder::new(device, 4)?;
        let mut out = Values::default();
        let mut state = net.state(2, 9)?;
        let mut copy = None;
        for t in 0..7u32 {
            let y = net.decode(&[t % 11, (3 * t) % 11], t, &mut state)?;
            out.put(format!("position {t}"), y.to_tensor());
            if t == 4 {
                copy = Some(state.try_clone()?);
            }
        }
        out.put("cache", state.get("cache")?);
        out.put("count", state.get("count")?);
        let mut copy = copy.expect("made on the way");
        out.put(
            "again",
            net.decode(&[1u32, 2], 5u32, &mut copy)?.to_tensor(),
        );
        let kept = state.get("cache")?;
        copy.set("cache", &kept)?;
        out.put("set", copy.get("cache")?);
        state.reset()?;
        out.put(
            "reset",
            net.decode(&[1u32, 2], 0u32, &mut state)?.to_tensor(),
        );
        Ok(out)
    }

    pub fn statistics_of_batches<D: Device>(device: D) -> Result<Values> {
        let mut net = Norm::new(device, 4)?;
        let mut out = Values::default();
        let mut sgd = Sgd::new(0.1).momentum(0.9);
        for step in 0..6u32 {
            let rows: Vec<u32> = (0..if step == 2 { 3 } else { 8 })
                .map(|i| (i + step) % 5)
                .collect();
            let y = random(&[rows.len(), 3], u64::from(step), (-1.0, 1.0));
            net.loss_step(&mut sgd, &rows, &y)?;
            out.network(&net);
            out.put("evaluated", net.forward(&rows)?.to_tensor());
        }
        Ok(out)
    }
}

same! {
    decoding_with_a_cache within 1e-5;
    statistics_of_batches within 1e-5;
}

/// The same as on the CPU, where an index out of range ends the run before anything is written.
#[test]
fn a_run_that_fails_updates_no_buffer() {
    let mut net = Norm::new(own(), 0).unwrap();
    let y = [[0.5f32; 3]; 4];
    for round in 0..4 {
        net.loss_backward(&[0u32, 1, 3, 4], &y).unwrap();
        let all = |net: &Norm<Cuda>| -> Vec<Tensor> {
            (net.parameters().chain(net.buffers()))
                .map(|p| p.values().unwrap())
                .collect()
        };
        let before = all(&net);
        // The loss is read explicitly.
        let loss = net.loss_backward(&[0u32, 1, 5, 4], &y);
        let error = loss.and_then(|l| l.item()).err().unwrap();
        assert!(
            matches!(error, Error::IndexOutOfRange { limit: 5, .. }),
            "{error}"
        );
        assert_eq!(all(&net), before, "round {round}");
        // The same if a good run follows before any read: only the good run has an effect.
        let wrong = net.loss_backward(&[0u32, 1, 5, 4], &y).unwrap();
        let right = net.loss_backward(&[0u32, 1, 3, 4], &y).unwrap();
        right.item().unwrap();
        wrong.item().unwrap_err();
        let batches = net.parameter("batches").unwrap().to_f64_vec();
        assert_eq!(batches, [f64::from(2 * round + 2)]);
    }
}

/// After an error, kept values are the old or the new ones. The error is reported at once; the next call is right.
#[test]
fn a_call_that_fails_leaves_a_state_that_goes_on() {
    fn decode<D: Device>(device: D) -> netform::Result<Vec<Tensor>> {
        let (net, mut out) = (Decoder::new(device, 4)?, Vec::new());
        let mut state = net.state(1, 9)?;
        for t in 0..5u32 {
            net.decode(&[t], t, &mut state)?;
            let kept = [state.get("cache")?, state.get("count")?];
            let error = net.decode(&[11u32], t, &mut state).err();
            let error = error.expect("11 is no token");
            assert!(
                matches!(error, Error::IndexOutOfRange { limit: 11, .. }),
                "{error}"
            );
            let count = state.get("count")?.to_f64_vec()[0];
            assert!((f64::from(t) + 1.0..=f64::from(t) + 2.0).contains(&count));
            state.set("cache", &kept[0])?;
            state.set("count", &kept[1])?;
            out.extend(kept);
        }
        Ok(out)
    }
    let (a, b) = (decode(own()).unwrap(), decode(Cpu::new()).unwrap());
    for (a, b) in a.iter().zip(&b) {
        crate::both::close("kept", a, b, 1e-5);
    }
}
