//! Random programs, from source text to graphs: at every stage of the pipeline the loss equals the reference's;
//! gradients equal the reference's, and finite differences.
//!
//! `NETFORM_PROGRAMS=1000` runs that many, from the seed `NETFORM_SEED_BASE` on; `NETFORM_SEED=7` runs only that seed.
//! A failing case is tried again with smaller programs of the same seed, and prints its seed and its text.

mod common;

use netform_compiler::call::Call;
use netform_compiler::check::check;
use netform_compiler::diag::Diag;
use netform_compiler::dim::Atom;
use netform_compiler::eval::{Array, Env, Floats, eval};
use netform_compiler::gradient::autodiff;
use netform_compiler::ir::Graph;
use netform_compiler::net::Net;
use netform_compiler::passes::memory;
use netform_compiler::passes::verify::verify;
use netform_compiler::pipeline;
use netform_compiler::program::{Mode, Program};
use netform_compiler::unit::Unit;
use netform_compiler::{lower, parse};
use netform_programs::case::Values;
use netform_programs::{Case, Reference};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The approximate maximal number of ops in the programs.
const SIZES: [usize; 6] = [4, 10, 20, 40, 80, 120];

/// The whole network, with the networks in its fields.
fn unit(case: &Case, diag: &Diag) -> Option<Unit> {
    let mut calls: Vec<(String, Call)> = Vec::new();
    for text in case.program.texts() {
        let tokens: proc_macro2::TokenStream = text.parse().ok()?;
        let source = parse::parse(tokens.clone(), diag)?;
        let held = source.blocks().into_iter().map(|path| {
            let found = calls.iter().find(|(name, _)| path[0] == name);
            found.map(|(_, call)| call.handed_out(&[]))
        });
        let call = Call {
            held: held.collect::<Option<_>>()?,
            ..Call::alone(tokens)
        };
        if calls.len() + 1 == case.program.nets.len() {
            return Some(call.unit(source));
        }
        // A block is also a separate network.
        let name = source.name.to_string();
        let own = call.unit(source);
        let net = check(&own, diag);
        pipeline::programs(&net, &own.source, diag).ok()?;
        calls.push((name, call));
    }
    None
}

/// Compares a part that a stage computes with the reference.
fn close(what: &str, got: &[f64], want: &[f64], scale: f64) -> Result<(), String> {
    for (k, (g, w)) in got.iter().zip(want).enumerate() {
        let error = (g - w).abs();
        if error.is_nan() || error > 1e-9 * (scale + w.abs()) {
            return Err(format!("{what}[{k}] is {g}, not {w} (off by {error:.1e})"));
        }
    }
    match got.len() == want.len() {
        true => Ok(()),
        false => Err(format!(
            "{what} has {} elements, not {}",
            got.len(),
            want.len()
        )),
    }
}

/// A case with the compiler's view of it.
struct Compiled<'a> {
    case: &'a Case,
    want: &'a Reference,
    net: Net,
    inputs: Vec<Array>,
    params: Vec<Array>,
}

fn array(v: &Values) -> Array {
    Array {
        shape: v.shape.clone(),
        data: v.data.clone(),
    }
}

impl Compiled<'_> {
    /// The parameter's place in the case.
    fn place(&self, param: usize) -> usize {
        let name = &self.net.params[self.net.holder(param)].name;
        let at = self.case.layout.iter().position(|p| p.name == *name);
        at.unwrap_or_else(|| panic!("no parameter {name}"))
    }

    fn eval(&self, g: &Graph, places: Option<&memory::Memory>) -> Vec<Array> {
        let dims = |atom: &Atom| match atom {
            Atom::Named(n) if n == "B" => self.case.program.dims[0] as i64,
            Atom::Named(n) if n == "T" => self.case.program.dims[1] as i64,
            other => panic!("{other:?} has no value"),
        };
        let env = Env {
            inputs: &self.inputs,
            params: &self.params,
            dims: &dims,
            floats: Floats::Double,
        };
        match places {
            Some(m) => common::run(g, m, &env),
            None => eval(g, &env),
        }
    }

    /// The loss, at every stage that computes only the loss.
    fn values(
        &self,
        stage: &str,
        g: &Graph,
        places: Option<&memory::Memory>,
    ) -> Result<(), String> {
        verify(g).map_err(|e| format!("{stage}: {e}"))?;
        let got = self.eval(g, places);
        close(
            &format!("{stage}: the loss"),
            &got[0].data,
            &[self.want.loss],
            1.0,
        )
    }

    /// The loss, then gradients: of arguments, then of the parameters that `grads` names.
    fn gradients(
        &self,
        stage: &str,
        (g, grads): (&Graph, &[(usize, usize)]),
        places: Option<&memory::Memory>,
    ) -> Result<Vec<Array>, String> {
        verify(g).map_err(|e| format!("{stage}: {e}\n{g}"))?;
        let got = self.eval(g, places);
        close(
            &format!("{stage}: the loss"),
            &got[0].data,
            &[self.want.loss],
            1.0,
        )?;
        let args = self.case.signature().iter().zip(&self.want.args);
        let wanted = args.filter(|(a, _)| a.grad);
        for ((a, want), got) in wanted.zip(&got[1..]) {
            let what = format!("{stage}: the gradient of {}", a.name);
            close(&what, &got.data, &want.data, self.scale())?;
        }
        for (output, param) in grads {
            let k = self.place(*param);
            let what = format!("{stage}: the gradient of {}", self.case.layout[k].name);
            let want = self.want.params[k].as_ref().map_or(&[][..], |v| &v.data);
            close(&what, &got[*output].data, want, self.scale())?;
        }
        Ok(got)
    }

    /// The scale for rounding: the largest gradient.
    fn scale(&self) -> f64 {
        let all = self.want.params.iter().flatten().chain(&self.want.args);
        all.flat_map(|v| &v.data).fold(1.0, |m, x| m.max(x.abs()))
    }

    /// Gradients of the compiler along some directions, against finite differences.
    fn differences(&self, got: &[Array], grads: &[(usize, usize)]) -> Result<(), String> {
        for (k, single) in [(1, false), (2, false), (3, true)] {
            let direction = self.case.direction(k, single);
            let (numeric, unsure) = self.case.difference(self.want, &direction);
            let dot = |a: &Array, b: &Values| -> f64 {
                a.data.iter().zip(&b.data).map(|(x, y)| x * y).sum()
            };
            let mut along = 0.0;
            let mut length = 0.0;
            let mut output = 1;
            for (k, a) in self.case.signature().iter().enumerate() {
                if a.grad {
                    along += dot(&got[output], &direction.1[k]);
                    output += 1;
                } else {
                    // No gradient is requested: use the reference's.
                    let want = array(&self.want.args[k]);
                    along += dot(&want, &direction.1[k]);
                }
                length += direction.1[k].data.iter().map(|x| x.abs()).sum::<f64>();
            }
            for (output, param) in grads {
                if let Some(d) = &direction.0[self.place(*param)] {
                    along += dot(&got[*output], d);
                    length += d.data.iter().map(|x| x.abs()).sum::<f64>();
                }
            }
            let error = (along - numeric).abs();
            if error.is_nan() || error > 1e-7 * (1.0 + numeric.abs() + length) + unsure {
                let tape = self.want.along(&direction);
                return Err(format!(
                    "along direction {k}: {along} against {numeric} by finite differences, {tape} by the tape"
                ));
            }
        }
        Ok(())
    }
}

/// Differentiates a lowered function as the pipeline does.
fn differentiated(
    net: &Net,
    lowered: lower::Lowered,
    wanted: &[bool],
) -> (Graph, Vec<(usize, usize)>) {
    let mut g = lowered.graph;
    let one = g.constant(1.0);
    let args: Vec<_> = (lowered.args.iter().zip(wanted))
        .filter(|(_, w)| **w)
        .map(|(a, _)| *a)
        .collect();
    let params: Vec<usize> = (0..net.params.len())
        .filter(|p| lowered.params[*p].is_some() && !net.params[*p].frozen)
        .collect();
    let mut wrt = args.clone();
    wrt.extend(params.iter().filter_map(|p| lowered.params[*p]));
    let loss = g.outputs[0];
    let flows = autodiff::gradients(&mut g, &[(loss, one)], &wrt);
    let mut grads = Vec::new();
    for (k, flow) in flows.iter().enumerate() {
        let shape = g.shape(wrt[k]).clone();
        let flow = flow.unwrap_or_else(|| g.full(0.0, netform_compiler::ir::DType::Float, &shape));
        if k >= args.len() {
            grads.push((g.outputs.len(), params[k - args.len()]));
        }
        g.outputs.push(flow);
    }
    (g, grads)
}

fn messages(diag: &Diag) -> String {
    let all: Vec<String> = diag.messages().iter().map(|m| m.text.clone()).collect();
    format!("the compiler refuses it: {}", all.join("\n"))
}

/// All checks of one case.
fn holds(case: &Case, want: &Reference) -> Result<(), String> {
    let diag = Diag::default();
    let Some(unit) = unit(case, &diag) else {
        return Err(messages(&diag));
    };
    let net = check(&unit, &diag);
    let programs = pipeline::programs(&net, &unit.source, &diag);
    let Ok(programs) = programs else {
        return Err(messages(&diag));
    };
    if diag.any() {
        return Err(messages(&diag));
    }
    let index = net.signatures.len() - 1;
    let mut compiled = Compiled {
        case,
        want,
        params: Vec::new(),
        inputs: case.args.iter().map(array).collect(),
        net,
    };
    for p in 0..compiled.net.params.len() {
        let k = compiled.place(p);
        compiled.params.extend(case.params[k].as_ref().map(array));
    }
    let net = &compiled.net;
    for backward in [false, true] {
        let reported = |_| messages(&diag);
        let lowered = lower::lower(net, &unit.source, index, (backward, backward), &diag)
            .map_err(reported)?;
        compiled.values("lowered", &lowered.graph, None)?;
        if backward {
            let wanted: Vec<bool> = case.signature().iter().map(|a| a.grad).collect();
            let (g, grads) = differentiated(net, lowered, &wanted);
            compiled.gradients("differentiated", (&g, &grads), None)?;
        }
    }
    let loss = |mode| move |p: &&Program| p.function == index && p.mode == mode;
    for p in programs.iter().filter(loss(Mode::Infer)) {
        compiled.values("unfused", &p.unfused, None)?;
        compiled.values("fused", &p.graph, None)?;
        compiled.values("in its places", &p.graph, Some(&p.memory))?;
    }
    for p in programs.iter().filter(loss(Mode::Backward)) {
        compiled.gradients("backward, unfused", (&p.unfused, &p.placement.grads), None)?;
        let got = compiled.gradients("backward, fused", (&p.graph, &p.placement.grads), None)?;
        compiled.gradients(
            "backward, in its places",
            (&p.graph, &p.placement.grads),
            Some(&p.memory),
        )?;
        compiled.differences(&got, &p.placement.grads)?;
    }
    Ok(())
}

/// The error of a seed's program of this size, with its text.
fn mistake(seed: u64, size: usize) -> Option<String> {
    let (case, want) = Case::new(seed, size);
    let result = catch_unwind(AssertUnwindSafe(|| holds(&case, &want)));
    let why = match result {
        Ok(Ok(())) => return None,
        Ok(Err(why)) => why,
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => format!("panic: {text}"),
            None => format!("panic: {:?}", panic.downcast_ref::<&str>()),
        },
    };
    let [b, t] = case.program.dims;
    let text = case.program.texts().join("\n");
    Some(format!(
        "seed {seed}, size {size}, B = {b}, T = {t}: {why}\n\n{text}"
    ))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn programs_compute_what_the_reference_computes() {
    let first = number("NETFORM_SEED");
    let count = if first.is_some() {
        1
    } else {
        number("NETFORM_PROGRAMS").unwrap_or(300)
    };
    let first = first.or_else(|| number("NETFORM_SEED_BASE")).unwrap_or(1);
    println!("seeds {first} to {}", first + count - 1);
    let mut failures = Vec::new();
    for seed in first..first + count {
        let size = SIZES[seed as usize % SIZES.len()];
        if let Some(found) = mistake(seed, size) {
            // The smallest program of the same seed that fails too.
            let smaller = (1..size).find_map(|size| mistake(seed, size));
            failures.push(smaller.unwrap_or(found));
        }
    }
    let all = failures.join("\n");
    assert!(
        failures.is_empty(),
        "{} of {count} programs:\n{all}",
        failures.len()
    );
}
