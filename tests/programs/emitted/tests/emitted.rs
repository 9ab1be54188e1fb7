//! Random programs compiled by rustc and run on the CPU, some also in single precision: the loss and all gradients
//! equal the reference's, and the gradients equal finite differences.

use netform::prelude::*;
use netform::{Network, Tensor};
use netform_programs::case::Values;
use netform_programs::{Case, Reference};

/// The results of a program.
pub struct Found {
    /// From `loss`.
    value: f64,
    /// From `loss_backward`.
    loss: f64,
    /// The gradients of the arguments that request them.
    args: Vec<Tensor>,
    /// The gradients of the trained parameters, as `Case::params`.
    params: Vec<Option<Vec<f64>>>,
}

/// A program.
pub struct Subject {
    seed: u64,
    size: usize,
    f64: fn(&Case) -> netform::Result<Found>,
    f32: Option<fn(&Case) -> netform::Result<Found>>,
}

#[allow(clippy::all, clippy::pedantic, unused)]
mod programs {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/programs.rs"));
}

/// The parameters' values.
fn set(net: &mut impl Network, case: &Case) -> netform::Result<()> {
    for (p, values) in case.layout.iter().zip(&case.params) {
        let Some(values) = values else { continue };
        let names = p.names();
        let shape = &values.shape[p.stack.len()..];
        let len = values.data.len() / names.len();
        for (name, part) in names.iter().zip(values.data.chunks(len)) {
            net.set_parameter(name, &Tensor::from_vec(shape, part.to_vec())?)?;
        }
    }
    Ok(())
}

fn arguments(case: &Case) -> netform::Result<Vec<Tensor>> {
    let args = case.signature().iter().zip(&case.args);
    args.map(|(a, v)| match a.int {
        true => Tensor::from_vec(
            &v.shape,
            v.data.iter().map(|x| *x as u32).collect::<Vec<u32>>(),
        ),
        false => Tensor::from_vec(&v.shape, v.data.clone()),
    })
    .collect()
}

fn found(
    net: &impl Network,
    case: &Case,
    value: f64,
    loss: f64,
    args: Vec<Tensor>,
) -> netform::Result<Found> {
    let mut params = Vec::new();
    for (k, p) in case.layout.iter().enumerate() {
        if !case.trained(k) {
            params.push(None);
            continue;
        }
        let mut all = Vec::new();
        for name in p.names() {
            all.extend(net.gradient(&name)?.to_f64_vec());
        }
        params.push(Some(all));
    }
    Ok(Found {
        value,
        loss,
        args,
        params,
    })
}

/// The largest difference, in units of the tolerance.
fn close(
    what: &str,
    got: &[f64],
    want: &[f64],
    (tolerance, scale): (f64, f64),
) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!(
            "{what} has {} elements, not {}",
            got.len(),
            want.len()
        ));
    }
    for (k, (g, w)) in got.iter().zip(want).enumerate() {
        let error = (g - w).abs();
        if error.is_nan() || error > tolerance * (scale + w.abs()) {
            return Err(format!("{what}[{k}] is {g}, not {w} (off by {error:.1e})"));
        }
    }
    Ok(())
}

/// Compares everything that the reference computes.
fn compare(case: &Case, want: &Reference, got: &Found, tolerance: f64) -> Result<(), String> {
    let all = want.params.iter().flatten().chain(&want.args);
    let scale = all
        .flat_map(|v| &v.data)
        .fold(1.0f64, |m, x| m.max(x.abs()));
    close("`loss`", &[got.value], &[want.loss], (tolerance, 1.0))?;
    close(
        "`loss_backward`",
        &[got.loss],
        &[want.loss],
        (tolerance, 1.0),
    )?;
    let wanted = case
        .signature()
        .iter()
        .zip(&want.args)
        .filter(|(a, _)| a.grad);
    for ((a, want), got) in wanted.zip(&got.args) {
        let what = format!("the gradient of `{}`", a.name);
        close(&what, &got.to_f64_vec(), &want.data, (tolerance, scale))?;
    }
    for ((p, want), got) in case.layout.iter().zip(&want.params).zip(&got.params) {
        if let (Some(want), Some(got)) = (want, got) {
            let what = format!("the gradient of `{}`", p.name);
            close(&what, got, &want.data, (tolerance, scale))?;
        }
    }
    Ok(())
}

/// The gradients along some directions, against finite differences of the reference.
fn differences(case: &Case, want: &Reference, got: &Found) -> Result<(), String> {
    for (k, single) in [(1, false), (2, false), (3, true)] {
        let mut direction = case.direction(k, single);
        // Arguments without a gradient do not move.
        for (d, a) in direction.1.iter_mut().zip(case.signature()) {
            if !a.grad {
                d.data.fill(0.0);
            }
        }
        let dot =
            |a: &[f64], b: &Values| -> f64 { a.iter().zip(&b.data).map(|(x, y)| x * y).sum() };
        let moved = direction
            .1
            .iter()
            .zip(case.signature())
            .filter(|(_, a)| a.grad);
        let args: f64 = (got.args.iter().zip(moved))
            .map(|(g, (d, _))| dot(&g.to_f64_vec(), d))
            .sum();
        let params: f64 = (got.params.iter().zip(&direction.0))
            .filter_map(|(g, d)| Some(dot(g.as_ref()?, d.as_ref()?)))
            .sum();
        let (numeric, unsure) = case.difference(want, &direction);
        let allowed = (1e-7, 1.0 + unsure / 1e-7);
        close(
            &format!("direction {k}"),
            &[args + params],
            &[numeric],
            allowed,
        )?;
    }
    Ok(())
}

#[test]
fn emitted_programs_compute_what_the_reference_computes() {
    let mut failures = Vec::new();
    for subject in programs::ALL {
        let (case, want) = Case::new(subject.seed, subject.size);
        let told = |e: netform::Error| e.to_string();
        let double = (subject.f64)(&case).map_err(told).and_then(|got| {
            compare(&case, &want, &got, 1e-9)?;
            differences(&case, &want, &got)
        });
        let single = subject.f32.map_or(Ok(()), |run| {
            compare(&case, &want, &run(&case).map_err(told)?, 1e-3)
        });
        for (precision, result) in [("f64", double), ("f32", single)] {
            if let Err(why) = result {
                let (seed, [b, t]) = (subject.seed, case.program.dims);
                let text = case.program.texts().join("\n");
                failures.push(format!(
                    "seed {seed}, B = {b}, T = {t}, {precision}: {why}\n\n{text}"
                ));
            }
        }
    }
    let seeds: Vec<u64> = programs::ALL.iter().map(|s| s.seed).collect();
    println!("seeds {seeds:?}");
    let all = failures.join("\n");
    assert!(failures.is_empty(), "{} failures:\n{all}", failures.len());
}
