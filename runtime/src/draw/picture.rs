//! A function's graph with the values and gradients of one run.

use super::scene::{self, Wire};
use super::text::FunctionText;
use super::{Function, dot, svg};
use crate::{ArgType, Device, Result, RunResults, Tensor, TensorData};

/// The meaning of the outputs of a picture's run; emitted by the macro.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Drawn {
    /// The function's graph.
    pub function: FunctionText,
    /// For each node, the output that is its value.
    pub values: &'static [Option<usize>],
    /// For each node, the output that is its gradient.
    pub gradients: &'static [Option<usize>],
    /// The wires: from, to, and the output that is the gradient along it.
    pub wires: &'static [(usize, usize, Option<usize>)],
}

/// A graph with the values of a run: above each wire the value, below it the gradient along the wire. The gradients of
/// a value's wires add up to the value's gradient.
///
/// A tensor of up to four elements is shown whole, a larger one by its shape and its norm.
#[derive(Clone, Debug)]
pub struct Picture {
    drawn: &'static Drawn,
    function: Function,
    values: Vec<Option<Tensor>>,
    gradients: Vec<Option<Tensor>>,
    wires: Vec<Option<Tensor>>,
}

impl Picture {
    /// Reads the values and gradients of a finished run.
    #[doc(hidden)]
    pub fn new<D: Device>(drawn: &'static Drawn, run: &RunResults<D>) -> Result<Self> {
        let read = |k: &Option<usize>| k.map(|k| tensor(run, k)).transpose();
        Ok(Self {
            drawn,
            function: drawn.function.read(),
            values: drawn.values.iter().map(read).collect::<Result<_>>()?,
            gradients: drawn.gradients.iter().map(read).collect::<Result<_>>()?,
            wires: drawn
                .wires
                .iter()
                .map(|w| read(&w.2))
                .collect::<Result<_>>()?,
        })
    }

    /// The graph that is drawn.
    pub fn function(&self) -> &Function {
        &self.function
    }
    /// The value of node `node`, if it is drawn.
    pub fn value(&self, node: usize) -> Option<&Tensor> {
        self.values.get(node)?.as_ref()
    }
    /// The gradient of the function with respect to node `node`, if it depends on it.
    pub fn gradient(&self, node: usize) -> Option<&Tensor> {
        self.gradients.get(node)?.as_ref()
    }
    /// The wires: from node, to node, and the gradient along the wire.
    pub fn wires(&self) -> impl Iterator<Item = (usize, usize, Option<&Tensor>)> {
        let gradients = self.wires.iter().map(Option::as_ref);
        self.drawn
            .wires
            .iter()
            .zip(gradients)
            .map(|(w, g)| (w.0, w.1, g))
    }

    /// The picture in DOT.
    pub fn dot(&self) -> String {
        dot::write(&self.scene())
    }
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        svg::write(&self.scene())
    }

    fn scene(&self) -> scene::Scene {
        let text = |t: Option<&Tensor>| t.map_or_else(String::new, show);
        let wires = self.wires().map(|(from, to, gradient)| Wire {
            from,
            to,
            above: text(self.value(from)),
            below: text(gradient),
        });
        let outputs = self.function().outputs.iter();
        let results = outputs.map(|&o| (o, text(self.value(o)), text(self.gradient(o))));
        scene::of(self.function(), wires.collect(), results.collect())
    }
}

/// An output of any type.
fn tensor<D: Device>(run: &RunResults<D>, k: usize) -> Result<Tensor> {
    Ok(match run.output_type(k) {
        Some(ArgType::Bool) => run.output::<bool>(k)?.to_tensor(),
        Some(ArgType::Float) | None => run.output::<D::Float>(k)?.to_tensor(),
        Some(ArgType::U32) => run.output::<u32>(k)?.to_tensor(),
        Some(ArgType::I32) => run.output::<i32>(k)?.to_tensor(),
        Some(ArgType::I64) => run.output::<i64>(k)?.to_tensor(),
    })
}

/// A value as a short text.
fn show(t: &Tensor) -> String {
    let values: Vec<f64> = match t.data() {
        TensorData::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::F64(v) => v.clone(),
        TensorData::I64(v) => v.iter().map(|&x| x as f64).collect(),
        TensorData::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::U32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        TensorData::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
    };
    match values[..] {
        [x] if t.shape().is_empty() => number(x),
        _ if values.len() <= 4 => {
            let all: Vec<String> = values.iter().map(|&x| number(x)).collect();
            format!("[{}]", all.join(", "))
        }
        _ => {
            let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt();
            format!("{:?} norm {}", t.shape(), number(norm))
        }
    }
}

/// A number with about four significant digits.
fn number(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    }
    let exponent = x.abs().log10().floor() as i32;
    if !(-4..6).contains(&exponent) {
        return format!("{x:.2e}");
    }
    let digits = usize::try_from(3 - exponent).unwrap_or(0);
    let text = format!("{x:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn few_digits() {
        let cases = [
            (6.0, "6"),
            (-0.5, "-0.5"),
            (0.123_456, "0.1235"),
            (1234.5, "1234"),
            (99_999.0, "99999"),
            (1e-7, "1.00e-7"),
            (3e8, "3.00e8"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ];
        for (x, text) in cases {
            assert_eq!(number(x), text);
        }
    }
}
