//! Comparison of results.

use crate::index::Case;
use crate::tensors::Tensors;
use netform::Tensor;

/// The float type of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

/// The difference in one tensor.
#[derive(Clone, Debug)]
struct Deviation {
    /// The difference in units of the tolerance.
    excess: f64,
    text: String,
}

/// The largest difference in units of its tolerance, if any tensor exceeds its tolerance.
pub fn worst(case: &Case, precision: Precision, want: &Tensors, got: &Tensors) -> Option<String> {
    case.wanted()
        .filter_map(|name| tensor(case, precision, name, want, got))
        .max_by(|a, b| a.excess.total_cmp(&b.excess))
        .map(|d| d.text)
}

fn tensor(
    case: &Case,
    precision: Precision,
    name: &str,
    want: &Tensors,
    got: &Tensors,
) -> Option<Deviation> {
    let wrong = |text: String| {
        Some(Deviation {
            excess: f64::INFINITY,
            text: format!("{name}: {text}"),
        })
    };
    let Some(w) = want.get(name) else {
        return wrong("not in the file".into());
    };
    let Some(g) = got.get(name) else {
        return wrong("not computed".into());
    };
    if w.shape() != g.shape() {
        return wrong(format!("shape {:?}, not {:?}", g.shape(), w.shape()));
    }
    let (ws, gs) = (w.to_f64_vec(), g.to_f64_vec());
    let off = beyond(case, precision, name, w, &ws, &gs)?;
    // At a bound of `clamp`, PyTorch 2.13 and earlier pass the gradient on; later versions do not.
    if case.version_dependent()
        && name.starts_with("grad.")
        && let Some(other) = passed_on(case, want, g)
    {
        beyond(case, precision, name, w, &other, &gs)?;
    }
    Some(off)
}

/// The older result of a version-dependent case: the upstream gradient unchanged.
fn passed_on(case: &Case, want: &Tensors, like: &Tensor) -> Option<Vec<f64>> {
    let upstream = want.get(case.gouts.first()?)?;
    (upstream.shape() == like.shape()).then(|| upstream.to_f64_vec())
}

fn beyond(
    case: &Case,
    precision: Precision,
    name: &str,
    tensor: &Tensor,
    want: &[f64],
    got: &[f64],
) -> Option<Deviation> {
    let integer = tensor.as_slice::<f64>().is_err() && tensor.as_slice::<f32>().is_err();
    let largest = want.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let (rtol, atol) = match precision {
        _ if integer => (0.0, 0.0),
        Precision::F32 => single(case, name),
        // A gradient that is zero in theory has no magnitude: a small part of the tolerance for single precision is
        // used, which is below 1e-9 of the largest value elsewhere.
        Precision::F64 => (1e-9, (1e-9 * largest).max(1e-6 * single(case, name).1)),
    };
    let (mut worst, mut excess) = (0, 0.0f64);
    for (i, (w, g)) in want.iter().zip(got).enumerate() {
        let off = if w == g { 0.0 } else { (w - g).abs() };
        let allowed = atol + rtol * w.abs();
        let times = if off == 0.0 {
            0.0
        } else if off.is_nan() {
            f64::INFINITY
        } else {
            off / allowed
        };
        if times > excess {
            (worst, excess) = (i, times);
        }
    }
    (excess > 1.0).then(|| Deviation {
        excess,
        text: format!(
            "{name}[{worst}] is {}, not {} (off by {:.1e}, {excess:.1e} times the tolerance)",
            got[worst],
            want[worst],
            (got[worst] - want[worst]).abs()
        ),
    })
}

fn single(case: &Case, name: &str) -> (f64, f64) {
    let t = &case.tolerance.f32;
    t.per_tensor
        .get(name)
        .map_or((t.rtol, t.atol), |[rtol, atol]| (*rtol, *atol))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(tags: &str) -> Case {
        let text = format!(
            r#"{{"id": "op.f.x", "kind": "op", "name": "f", "file": "", "gouts": ["gout.0"], "outputs": ["out.0"],
            "grads": ["grad.in.x"], "tags": [{tags}],
            "tolerance": {{"f32": {{"rtol": 1e-5, "atol": 1e-6, "per_tensor": {{"out.0": [1e-5, 1e-3]}}}}}}}}"#
        );
        serde_json::from_str(&text).expect("a case")
    }

    fn tensors(out: f64, grad: f64) -> Tensors {
        let mut t = Tensors::default();
        t.put_number("out.0", out);
        t.put_number("grad.in.x", grad);
        t.put_number("gout.0", 3.0);
        t
    }

    #[test]
    fn tolerances() {
        let want = tensors(1.0, 2.0);
        let off = |out, grad, p| worst(&case(""), p, &want, &tensors(out, grad));
        assert_eq!(off(1.0009, 2.0, Precision::F32), None);
        assert!(off(1.0011, 2.0, Precision::F32).is_some());
        assert!(off(1.0, 2.00003, Precision::F32).is_some_and(|t| t.starts_with("grad.in.x[0]")));
        assert!(off(1.0, 2.000_000_005, Precision::F64).is_some());
        assert!(off(f64::NAN, 2.0, Precision::F32).is_some());
        let nothing = worst(&case(""), Precision::F32, &want, &Tensors::default());
        assert_eq!(nothing.as_deref(), Some("grad.in.x: not computed"));
    }

    #[test]
    fn either_answer_where_versions_differ() {
        let (want, got) = (tensors(1.0, 2.0), tensors(1.0, 3.0));
        assert!(worst(&case(""), Precision::F64, &want, &got).is_some());
        assert!(worst(&case("\"version_dependent\""), Precision::F64, &want, &got).is_none());
    }
}
