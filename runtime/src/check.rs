//! Checks the gradients that a network computes against central finite differences of its loss.
//!
//! Takes a network and one of its training calls. Returns a [`Report`] with the worst element of each parameter, or an
//! error that names the first parameter whose gradient is wrong.

use std::fmt;

use crate::{Error, Float, Network, Result, permutation};

/// The options of a check. The defaults suit networks on `Cpu::f64()`. In `f32`, differences are inaccurate, and only
/// large mistakes are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How far a parameter is moved in each direction; `None`: the cube root of the float's precision.
    pub step: Option<f64>,
    /// The largest error, relative to `1 + |difference|`; `None`: 1e-6 in `f64`, 0.02 in `f32`.
    pub tolerance: Option<f64>,
    /// The maximum number of elements checked for each parameter, chosen by `seed`.
    pub elements: usize,
    /// Chooses the elements.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            step: None,
            tolerance: None,
            elements: 64,
            seed: 0,
        }
    }
}

/// The worst element of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The parameter.
    pub name: &'static str,
    /// The number of its elements that were checked.
    pub elements: usize,
    /// The worst element, as a row-major index.
    pub index: usize,
    /// Its gradient.
    pub gradient: f64,
    /// The finite difference.
    pub difference: f64,
    /// `|gradient - difference| / (1 + |difference|)`.
    pub error: f64,
}

/// The result of a check, one entry for each trained parameter. Prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// In the network's order.
    pub parameters: Vec<Checked>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.parameters.iter().map(|p| p.name.len()).max();
        let width = width.unwrap_or(0).max("parameter".len());
        writeln!(
            f,
            "{:width$}  checked  largest error  at",
            "parameter",
            width = width
        )?;
        for p in &self.parameters {
            writeln!(
                f,
                "{:width$}  {:>7}  {:>13.1e}  {}",
                p.name, p.elements, p.error, p.index
            )?;
        }
        Ok(())
    }
}

/// Checks the gradients of one training call with the default [`Options`].
///
/// `backward` runs the call and returns its loss: `|net| net.loss_backward(&x, &y)?.item()`. It is run again for every
/// difference with the same random numbers, so networks with dropout can be checked. Afterwards the parameters are as
/// before, also after an error. The gradients are those of the last run.
///
/// # Errors
/// [`Error::Gradient`] names the first parameter with an element beyond the tolerance; errors of
/// `backward` are passed on.
pub fn gradients<N: Network, F: Float>(
    net: &mut N,
    backward: impl FnMut(&mut N) -> Result<F>,
) -> Result<Report> {
    gradients_with(net, Options::default(), backward)
}

/// As [`gradients`], with options.
pub fn gradients_with<N: Network, F: Float>(
    net: &mut N,
    options: Options,
    mut backward: impl FnMut(&mut N) -> Result<F>,
) -> Result<Report> {
    let precision = if size_of::<F>() == 8 {
        f64::EPSILON
    } else {
        f64::from(f32::EPSILON)
    };
    let (seed, step) = (net.core().seed(), net.core().random_step());
    let mut run = |net: &mut N| -> Result<f64> {
        net.core_mut().set_random(seed, step);
        Ok(backward(net)?.to_f64())
    };
    let settings = Settings {
        step: options.step.unwrap_or(precision.cbrt()),
        tolerance: options.tolerance.unwrap_or(match size_of::<F>() {
            8 => 1e-6,
            _ => 0.02,
        }),
        // A loss is a rounded sum, so differences of losses have its rounding error.
        rounding: 8.0 * precision * run(net)?.abs(),
        options,
    };
    let mut trained = Vec::new();
    for p in net.parameters().filter(|p| !p.frozen()) {
        trained.push((p.name(), net.gradient(p.name())?.to_f64_vec()));
    }
    let mut parameters = Vec::new();
    for (name, gradient) in trained {
        let start = net.parameter(name)?;
        let checked = settings.parameter(net, name, &gradient, &mut run);
        net.set_parameter(name, &start)?;
        parameters.push(checked?);
    }
    Ok(Report { parameters })
}

struct Settings {
    step: f64,
    tolerance: f64,
    rounding: f64,
    options: Options,
}

impl Settings {
    /// Checks one parameter, and leaves it changed.
    fn parameter<N: Network>(
        &self,
        net: &mut N,
        name: &'static str,
        gradient: &[f64],
        run: &mut impl FnMut(&mut N) -> Result<f64>,
    ) -> Result<Checked> {
        let start = net.parameter(name)?;
        let mut chosen = permutation(self.options.seed, 0, gradient.len());
        chosen.truncate(self.options.elements);
        chosen.sort_unstable();
        let mut worst = Checked {
            name,
            elements: chosen.len(),
            index: 0,
            gradient: 0.0,
            difference: 0.0,
            error: 0.0,
        };
        for index in chosen {
            let values = start.to_f64_vec();
            let h = self.step * (1.0 + values[index].abs());
            let mut at = |h: f64| -> Result<f64> {
                let mut values = values.clone();
                values[index] += h;
                let moved = crate::Tensor::from_vec(start.shape(), values)?;
                net.set_parameter(name, &moved)?;
                run(net)
            };
            let difference = (at(h)? - at(-h)?) / (2.0 * h);
            let gradient = gradient[index];
            let away = (gradient - difference).abs();
            let error = away / (1.0 + difference.abs());
            let allowed = self.tolerance * (1.0 + difference.abs()) + self.rounding / h;
            // NaN is wrong, too.
            if away > allowed || away.is_nan() {
                return Err(Error::Gradient {
                    network: net.core().spec().name,
                    name,
                    index,
                    gradient,
                    difference,
                });
            }
            if error >= worst.error {
                worst = Checked {
                    index,
                    gradient,
                    difference,
                    error,
                    ..worst
                };
            }
        }
        Ok(worst)
    }
}
