//! Finds the elements that differ from PyTorch's.
//!
//! Two numbers agree if both are NaN, or are the same infinity or zero, or are finite and differ by a few units in the
//! last place. A result agrees with PyTorch if it agrees with PyTorch's number, or with the exact number where
//! PyTorch's is of the same class: both zero, both NaN, the same infinity, or finite and equal to three digits. NaN
//! also agrees if the exact value is NaN: a gradient of a result that is NaN.

use netform::Tensor;
use serde::{Deserialize, Serialize};

use super::{Case, UPSTREAMS};
use crate::compare::Precision;
use crate::place::Place;
use crate::tensors::{Failure, Tensors};

/// An element that differs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// The place.
    pub place: Place,
    /// The case.
    pub case: String,
    /// The result, or the gradient and its upstream gradient.
    pub tensor: String,
    /// The arguments.
    pub at: String,
    /// netform's number.
    pub got: String,
    /// PyTorch's.
    pub torch: String,
    /// The exact one.
    pub exact: String,
    /// Whether netform's number is nearer to the exact one than PyTorch's.
    pub nearer: bool,
    /// Whether netform's number is the exact one up to rounding.
    pub exactly: bool,
}

/// The range of a float type.
#[derive(Clone, Copy)]
struct Kind {
    precision: Precision,
    epsilon: f64,
    smallest: f64,
}

impl Kind {
    fn of(precision: Precision) -> Self {
        let (epsilon, smallest) = match precision {
            Precision::F32 => (f64::from(f32::EPSILON), f64::from(f32::from_bits(1))),
            Precision::F64 => (f64::EPSILON, f64::from_bits(1)),
        };
        Self {
            precision,
            epsilon,
            smallest,
        }
    }

    /// The distance to the next number, to a factor of two.
    fn ulp(self, x: f64) -> f64 {
        (x.abs() * self.epsilon).max(self.smallest)
    }

    fn text(self, x: f64) -> String {
        match self.precision {
            Precision::F32 => short(format!("{:?}", x as f32)),
            Precision::F64 => short(format!("{x:?}")),
        }
    }
}

/// Without a fraction of zero.
fn short(text: String) -> String {
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The tolerance of a number.
#[derive(Clone, Copy)]
struct Bound {
    kind: Kind,
    ulps: f64,
    slack: f64,
    zeros: bool,
}

impl Bound {
    fn agree(self, a: f64, b: f64) -> bool {
        if a == b {
            return a != 0.0 || !self.zeros || a.is_sign_negative() == b.is_sign_negative();
        }
        if a.is_nan() || b.is_nan() {
            return a.is_nan() && b.is_nan();
        }
        // An infinity agrees only with itself.
        let off = (a - b).abs();
        off.is_finite()
            && off <= self.ulps * self.kind.ulp(b) + 4.0 * self.kind.epsilon * self.slack
    }

    fn right(self, got: f64, torch: f64, exact: f64) -> bool {
        self.agree(got, torch)
            || (self.agree(got, exact) && self.alike(got, torch))
            || (got.is_nan() && exact.is_nan())
    }

    /// Of the same class, and if finite, equal to three digits.
    fn alike(self, a: f64, b: f64) -> bool {
        class(a) == class(b)
            && (!a.is_finite() || (a - b).abs() <= 1e-3 * b.abs() + 8.0 * self.kind.smallest)
    }

    fn nearer(self, got: f64, torch: f64, exact: f64) -> bool {
        self.agree(got, exact) && !self.agree(torch, exact)
            || (got - exact).abs() < (torch - exact).abs()
            || self.alike(got, exact) && !self.alike(torch, exact)
    }
}

fn class(x: f64) -> (bool, bool, bool, bool) {
    (
        x.is_nan(),
        x == f64::INFINITY,
        x == -f64::INFINITY,
        x == 0.0,
    )
}

/// The number of elements of a case that are compared in a place.
pub fn count(case: &Case, want: &Tensors) -> Result<usize, Failure> {
    let len = |name: String| {
        let tensor = want.at(&format!("{}/{name}", case.id))?;
        Ok(tensor.shape().iter().product::<usize>())
    };
    wanted(case).into_iter().map(len).sum()
}

/// The elements of a case that differ.
pub fn differences(
    case: &Case,
    place: Place,
    want: &Tensors,
    got: &Tensors,
) -> Result<Vec<Difference>, Failure> {
    let mut out = Vec::new();
    for name in wanted(case) {
        let key = |part: &str| format!("{}/{part}{name}", case.id);
        let of = |key: &str| want.get(key).map(Tensor::to_f64_vec);
        let torch = want.at(&key(""))?;
        let integer = torch.as_slice::<f64>().is_err() && torch.as_slice::<f32>().is_err();
        let computed = got.at(&key(""))?;
        if computed.shape() != torch.shape() {
            let (a, b) = (computed.shape(), torch.shape());
            return Err(format!("{}: {name} has the shape {a:?}, not {b:?}", case.id).into());
        }
        let (torch, computed) = (torch.to_f64_vec(), computed.to_f64_vec());
        let exact = of(&key("exact.")).unwrap_or_else(|| torch.clone());
        let is_result = name.starts_with("out.");
        // One magnitude for all gradients of an argument, for all upstream gradients.
        let slack = match is_result {
            true => of(&key("slack.")),
            false => {
                let argument = name.rsplit('.').next().unwrap_or_default();
                of(&format!("{}/slack.grad.{argument}", case.id))
            }
        };
        for (i, &got) in computed.iter().enumerate() {
            let bound = Bound {
                kind: Kind::of(place.precision()),
                ulps: case.ulps[usize::from(!is_result)],
                slack: slack.as_ref().map_or(0.0, |s| s[i]),
                zeros: case.zeros && is_result,
            };
            let fine = match integer {
                true => got == torch[i],
                false => bound.right(got, torch[i], exact[i]),
            };
            if !fine {
                let text = |x| bound.kind.text(x);
                out.push(Difference {
                    place,
                    case: case.id.clone(),
                    tensor: name.clone(),
                    at: arguments(case, want, i, computed.len(), bound.kind)?,
                    got: text(got),
                    torch: text(torch[i]),
                    exact: text(exact[i]),
                    nearer: bound.nearer(got, torch[i], exact[i]),
                    exactly: bound.agree(got, exact[i]),
                });
            }
        }
    }
    Ok(out)
}

fn wanted(case: &Case) -> Vec<String> {
    let results = (0..case.outputs).map(|i| format!("out.{i}"));
    let gradients = (0..UPSTREAMS).flat_map(|k| {
        case.grads
            .iter()
            .map(move |input| format!("grad.{k}.{input}"))
    });
    results.chain(gradients).collect()
}

/// The arguments of element `i` of `count`: numbers, or its row and its place there.
fn arguments(
    case: &Case,
    want: &Tensors,
    i: usize,
    count: usize,
    kind: Kind,
) -> Result<String, Failure> {
    let mut parts = Vec::new();
    let first = want.at(&format!("{}/in.{}", case.id, case.inputs[0]))?;
    let rows = first.shape()[0];
    for name in &case.inputs {
        let values = want.at(&format!("{}/in.{name}", case.id))?;
        let (shape, values) = (values.shape().to_vec(), values.to_f64_vec());
        let text = |values: &[f64]| {
            let list: Vec<String> = values.iter().map(|x| kind.text(*x)).collect();
            list.join(" ")
        };
        // Arguments that all rows share are left out.
        if !case.rows {
            parts.push(text(&values[i..=i]));
        } else if shape[0] == rows {
            let width = values.len() / rows;
            let row = i / (count / rows);
            parts.push(text(&values[row * width..(row + 1) * width]));
        }
    }
    let place = match count / rows {
        each if case.rows && each > 1 => format!(" [{}]", i % each),
        _ => String::new(),
    };
    Ok(parts.join(", ") + &place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement() {
        let bound = |ulps, slack, zeros| Bound {
            kind: Kind::of(Precision::F32),
            ulps,
            slack,
            zeros,
        };
        let exact = bound(0.0, 0.0, true);
        assert!(exact.agree(f64::NAN, f64::NAN) && !exact.agree(f64::NAN, 1.0));
        assert!(exact.agree(f64::INFINITY, f64::INFINITY));
        assert!(!exact.agree(f64::INFINITY, -f64::INFINITY));
        assert!(
            !exact.agree(f64::INFINITY, 3.4e38)
                && !bound(9.0, 9.0, true).agree(3.4e38, f64::INFINITY)
        );
        assert!(!exact.agree(0.0, -0.0) && bound(0.0, 0.0, false).agree(0.0, -0.0));
        let next = f64::from(1f32.next_up());
        assert!(!exact.agree(1.0, next) && bound(1.0, 0.0, true).agree(1.0, next));
        // The exact value is accepted where PyTorch's is off, but not where PyTorch's is of another class.
        assert!(exact.right(2.0, 2.001, 2.0) && !exact.right(2.0, f64::NAN, 2.0));
        assert!(!exact.right(2.0, 2.5, 2.0));
        assert!(exact.nearer(2.0, f64::NAN, 2.0) && !exact.nearer(f64::NAN, 2.0, 2.0));
        // If the other is NaN, a number is nearer only with three right digits.
        assert!(exact.nearer(2.001, f64::NAN, 2.0) && !exact.nearer(1.9, f64::NAN, 2.0));
        assert!(!exact.nearer(0.0, f64::NAN, 2.0));
        // From a number, an infinity is at the largest distance.
        assert!(exact.nearer(0.0, f64::INFINITY, 2.0) && !exact.nearer(f64::INFINITY, 0.0, 2.0));
    }
}
