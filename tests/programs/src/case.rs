//! A program with values, and the reference's results.

use crate::ast::Program;
use crate::generate;
use crate::layout::{self, Param};
use crate::oracle::array::Array;
use crate::oracle::run::{Detached, Machine};
use crate::oracle::tape::Tape;
use crate::rng::Rng;
use std::collections::HashMap;

/// Sizes and elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Elements, row by row.
    pub data: Vec<f64>,
}

/// A program that can be run.
#[derive(Clone, Debug)]
pub struct Case {
    /// The program.
    pub program: Program,
    /// Its parameters.
    pub layout: Vec<Param>,
    /// The values of parameters that are not tied to another, in the order of `layout`; those of an array are one.
    pub params: Vec<Option<Values>>,
    /// The values of the arguments of `loss`.
    pub args: Vec<Values>,
}

/// The results of the reference.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The loss.
    pub loss: f64,
    /// The gradients of all parameters, as `Case::params`.
    pub params: Vec<Option<Values>>,
    /// The gradients of all arguments; zeros for integers.
    pub args: Vec<Values>,
    detached: Detached,
}

/// A direction in which parameters and arguments move: as `Case::params` and `Case::args`.
pub type Direction = (Vec<Option<Values>>, Vec<Values>);

/// Programs whose numbers grow beyond this say little about rounding.
const LARGEST: f64 = 200.0;

impl Case {
    /// The case of a seed: `size` is about the number of ops in its programs. Programs with large values or gradients
    /// are skipped.
    pub fn new(seed: u64, size: usize) -> (Case, Reference) {
        let attempt = |k: u64| {
            let case = Case::of(generate::program(seed, k, size));
            case.tame().map(|r| (case, r))
        };
        match (0..100).find_map(attempt) {
            Some(found) => found,
            None => panic!("seed {seed}: no program of moderate size"),
        }
    }

    /// A case with values for a program.
    fn of(program: Program) -> Case {
        let mut rng = Rng(program.seed ^ 0x5EED);
        let layout = layout::params(&program, program.nets.len() - 1, &[]);
        let plain = |_: &str| panic!("the whole network has no names for sizes");
        let params = (layout.iter()).map(|p| {
            let own = p.shape.iter().map(|s| s.eval(&plain));
            let shape: Vec<usize> = p.stack.iter().copied().chain(own).collect();
            // A scale of a normalisation is about 1; it is recognised by its rank.
            let about = if p.shape.len() == 1 { 0.4 } else { 0.0 };
            p.shared
                .is_none()
                .then(|| values(shape, || about + 0.6 * rng.signed()))
        });
        let params = params.collect();
        let net = &program.nets[program.nets.len() - 1];
        let loss = &net.functions[net.functions.len() - 1];
        let args = loss.args.iter().map(|a| {
            let dims = |n: &str| program.dims[usize::from(n == "T")];
            let shape = a.shape.iter().map(|s| s.eval(&dims)).collect();
            let rows = generate::ROWS;
            match a.int {
                true => values(shape, || rng.below(rows) as f64),
                false => values(shape, || rng.signed()),
            }
        });
        Case {
            args: args.collect(),
            params,
            layout,
            program,
        }
    }

    /// The arguments of `loss`.
    pub fn signature(&self) -> &[crate::ast::Arg] {
        let net = &self.program.nets[self.program.nets.len() - 1];
        &net.functions[net.functions.len() - 1].args
    }

    /// Whether a parameter has a gradient.
    pub fn trained(&self, k: usize) -> bool {
        !self.layout[k].frozen && self.layout[k].shared.is_none()
    }

    /// Runs it; `None` unless all numbers are of moderate size.
    fn tame(&self) -> Option<Reference> {
        let (loss, leaves, m) = self.machine(None, Detached::default());
        if m.tape.largest() > LARGEST || !m.tape.largest().is_finite() {
            return None;
        }
        let (mut m, detached) = (m.tape, m.detached);
        let all: Vec<u32> = leaves.iter().flat_map(|l| l.data.iter().copied()).collect();
        let flat = m.gradient(loss, &all);
        let mut flat = flat.into_iter().map(|d| m.value(d));
        let mut next = |shape: &[usize]| {
            let count = shape.iter().product();
            Values {
                shape: shape.to_vec(),
                data: flat.by_ref().take(count).collect(),
            }
        };
        let params: Vec<Option<Values>> = (self.params.iter())
            .map(|p| p.as_ref().map(|p| next(&p.shape)))
            .collect();
        let args: Vec<Values> = self.args.iter().map(|a| next(&a.shape)).collect();
        let moderate = |v: &Values| v.data.iter().all(|x| x.abs() < LARGEST);
        let tame = params.iter().flatten().all(moderate) && args.iter().all(moderate);
        tame.then(|| Reference {
            loss: m.value(loss),
            params,
            args,
            detached,
        })
    }

    /// Runs it; returns the loss, the leaves in order, and the machine.
    fn machine(
        &self,
        moved: Option<(&Direction, f64)>,
        detached: Detached,
    ) -> (u32, Vec<Array>, Machine<'_>) {
        let mut tape = Tape::default();
        let mut leaves = Vec::new();
        let mut leaf = |v: &Values, by: Option<(&Values, f64)>| {
            let moved = |i: usize| v.data[i] + by.map_or(0.0, |(d, h)| d.data[i] * h);
            let array = Array {
                shape: v.shape.clone(),
                data: (0..v.data.len()).map(|i| tape.leaf(moved(i))).collect(),
            };
            leaves.push(array.clone());
            array
        };
        let mut params = HashMap::new();
        for (k, (p, v)) in self.layout.iter().zip(&self.params).enumerate() {
            let Some(v) = v else { continue };
            let by = moved.and_then(|(d, h)| d.0[k].as_ref().map(|d| (d, h)));
            params.insert(p.name.clone(), leaf(v, by));
        }
        let args = (self.args.iter().enumerate())
            .map(|(k, v)| leaf(v, moved.map(|(d, h)| (&d.1[k], h))))
            .collect();
        let mut m = Machine::new(&self.program, &self.layout, tape, params, detached);
        let loss = m.run(args);
        (loss.data[0], leaves, m)
    }

    /// A random direction along trained parameters and floats; along one coordinate, if `single`.
    pub fn direction(&self, seed: u64, single: bool) -> Direction {
        let mut rng = Rng(self.program.seed ^ seed);
        let mut params: Vec<Option<Values>> = (self.params.iter().enumerate())
            .map(|(k, p)| {
                let by = if self.trained(k) { 1.0 } else { 0.0 };
                (p.as_ref()).map(|p| values(p.shape.clone(), || by * rng.signed()))
            })
            .collect();
        let mut args: Vec<Values> = (self.args.iter().zip(self.signature()))
            .map(|(v, a)| {
                let by = if a.int { 0.0 } else { 1.0 };
                values(v.shape.clone(), || by * rng.signed())
            })
            .collect();
        if single {
            let all = params.iter_mut().flatten().chain(&mut args);
            let mut all: Vec<&mut f64> = (all.flat_map(|v| &mut v.data))
                .filter(|x| **x != 0.0)
                .collect();
            let kept = rng.below(all.len());
            for (k, x) in all.iter_mut().enumerate() {
                **x = f64::from(u8::from(k == kept));
            }
        }
        (params, args)
    }

    /// The derivative of the loss along a direction by finite differences of the fourth order, and its error bound: the
    /// difference from the result with twice the step, which shows the h^4 term. With `h` = 5e-4, rounding over h is
    /// about 1e-12.
    pub fn difference(&self, reference: &Reference, direction: &Direction) -> (f64, f64) {
        let at = |by: f64| {
            let (loss, _, m) = self.machine(Some((direction, by)), reference.detached.again());
            m.tape.value(loss)
        };
        let h = 5e-4;
        let [one, two, four] = [1.0, 2.0, 4.0].map(|k| at(k * h) - at(-k * h));
        let fine = (8.0 * one - two) / (12.0 * h);
        let coarse = (8.0 * two - four) / (24.0 * h);
        (fine, (fine - coarse).abs())
    }
}

impl Reference {
    /// The derivative along a direction, by the tape.
    pub fn along(&self, direction: &Direction) -> f64 {
        let dot = |a: &Values, b: &Values| -> f64 {
            a.data.iter().zip(&b.data).map(|(x, y)| x * y).sum()
        };
        let params = (self.params.iter().zip(&direction.0))
            .filter_map(|(a, b)| Some(dot(a.as_ref()?, b.as_ref()?)));
        let args = self.args.iter().zip(&direction.1).map(|(a, b)| dot(a, b));
        params.chain(args).sum()
    }
}

fn values(shape: Vec<usize>, mut f: impl FnMut() -> f64) -> Values {
    let count = shape.iter().product();
    Values {
        data: (0..count).map(|_| f()).collect(),
        shape,
    }
}
