//! Numbers on a tape: every number records its operands.
//!
//! Differentiation writes its steps on the tape, too, so a gradient is a number like any other.

/// A number on the tape.
pub type Id = u32;

#[derive(Clone, Copy)]
enum Step {
    Leaf,
    Copy(Id),
    Add(Id, Id),
    Mul(Id, Id),
    Neg(Id),
    Recip(Id),
    Exp(Id),
    Log(Id),
    Sqrt(Id),
    Sin(Id),
    Cos(Id),
    Tanh(Id),
    Erf(Id),
}

/// The tape.
#[derive(Default)]
pub struct Tape {
    steps: Vec<(Step, f64)>,
}

#[allow(missing_docs)]
impl Tape {
    /// Its value.
    pub fn value(&self, id: Id) -> f64 {
        self.steps[id as usize].1
    }

    /// The largest absolute value so far; NaN if one is.
    pub fn largest(&self) -> f64 {
        let worst = |m: f64, v: f64| if v.abs() <= m { m } else { v.abs() };
        self.steps.iter().fold(0.0, |m, s| worst(m, s.1))
    }

    fn push(&mut self, step: Step, value: f64) -> Id {
        self.steps.push((step, value));
        (self.steps.len() - 1) as Id
    }

    /// A number that depends on nothing.
    pub fn leaf(&mut self, value: f64) -> Id {
        self.push(Step::Leaf, value)
    }

    /// A new number of the same value.
    pub fn copy(&mut self, x: Id) -> Id {
        self.push(Step::Copy(x), self.value(x))
    }

    pub fn add(&mut self, x: Id, y: Id) -> Id {
        self.push(Step::Add(x, y), self.value(x) + self.value(y))
    }

    pub fn mul(&mut self, x: Id, y: Id) -> Id {
        self.push(Step::Mul(x, y), self.value(x) * self.value(y))
    }

    pub fn neg(&mut self, x: Id) -> Id {
        self.push(Step::Neg(x), -self.value(x))
    }

    pub fn recip(&mut self, x: Id) -> Id {
        self.push(Step::Recip(x), 1.0 / self.value(x))
    }

    pub fn exp(&mut self, x: Id) -> Id {
        self.push(Step::Exp(x), self.value(x).exp())
    }

    pub fn log(&mut self, x: Id) -> Id {
        self.push(Step::Log(x), self.value(x).ln())
    }

    pub fn sqrt(&mut self, x: Id) -> Id {
        self.push(Step::Sqrt(x), self.value(x).sqrt())
    }

    pub fn sin(&mut self, x: Id) -> Id {
        self.push(Step::Sin(x), self.value(x).sin())
    }

    pub fn cos(&mut self, x: Id) -> Id {
        self.push(Step::Cos(x), self.value(x).cos())
    }

    pub fn tanh(&mut self, x: Id) -> Id {
        self.push(Step::Tanh(x), self.value(x).tanh())
    }

    pub fn erf(&mut self, x: Id) -> Id {
        self.push(Step::Erf(x), libm::erf(self.value(x)))
    }

    pub fn sub(&mut self, x: Id, y: Id) -> Id {
        let y = self.neg(y);
        self.add(x, y)
    }

    pub fn div(&mut self, x: Id, y: Id) -> Id {
        let y = self.recip(y);
        self.mul(x, y)
    }

    pub fn scale(&mut self, x: Id, by: f64) -> Id {
        let by = self.leaf(by);
        self.mul(x, by)
    }

    pub fn shift(&mut self, x: Id, by: f64) -> Id {
        let by = self.leaf(by);
        self.add(x, by)
    }

    pub fn sum(&mut self, items: &[Id]) -> Id {
        let zero = self.leaf(0.0);
        items.iter().fold(zero, |s, x| self.add(s, *x))
    }

    /// The derivatives of `y` with respect to each of `xs`, as numbers on the tape.
    pub fn gradient(&mut self, y: Id, xs: &[Id]) -> Vec<Id> {
        let first = xs.iter().copied().min().unwrap_or(y);
        let count = (y + 1).saturating_sub(first) as usize;
        let at = |id: Id| (id - first) as usize;
        // The numbers that depend on them.
        let mut depends = vec![false; count];
        for x in xs.iter().filter(|x| **x <= y) {
            depends[at(*x)] = true;
        }
        for id in first..=y {
            let known = |p: &Id| *p >= first && depends[at(*p)];
            if operands(self.steps[id as usize].0)
                .iter()
                .flatten()
                .any(known)
            {
                depends[at(id)] = true;
            }
        }
        let mut flow: Vec<Option<Id>> = vec![None; count];
        if count > 0 {
            flow[at(y)] = Some(self.leaf(1.0));
        }
        for id in (first..=y).rev() {
            let Some(dy) = flow[at(id)] else { continue };
            for (x, dx) in self.rule(id, dy, &|p| p >= first && depends[at(p)]) {
                flow[at(x)] = Some(match flow[at(x)] {
                    Some(before) => self.add(before, dx),
                    None => dx,
                });
            }
        }
        (xs.iter())
            .map(|x| flow.get(at(*x)).copied().flatten())
            .map(|d| d.unwrap_or_else(|| self.leaf(0.0)))
            .collect()
    }

    /// The gradients that flow from a number to its operands.
    fn rule(&mut self, id: Id, dy: Id, wanted: &dyn Fn(Id) -> bool) -> Vec<(Id, Id)> {
        let step = self.steps[id as usize].0;
        let mut out = Vec::new();
        if let Step::Add(a, b) | Step::Mul(a, b) = step {
            let product = matches!(step, Step::Mul(..));
            for (x, other) in [(a, b), (b, a)] {
                if wanted(x) {
                    let dx = if product { self.mul(dy, other) } else { dy };
                    out.push((x, dx));
                }
            }
            return out;
        }
        let [Some(x), _] = operands(step) else {
            return out;
        };
        if !wanted(x) {
            return out;
        }
        let slope = match step {
            Step::Copy(_) => return vec![(x, dy)],
            Step::Neg(_) => self.leaf(-1.0),
            Step::Recip(_) => {
                let square = self.mul(id, id);
                self.neg(square)
            }
            Step::Exp(_) => id,
            Step::Log(_) => self.recip(x),
            Step::Sqrt(_) => {
                let r = self.recip(id);
                self.scale(r, 0.5)
            }
            Step::Sin(_) => self.cos(x),
            Step::Cos(_) => {
                let s = self.sin(x);
                self.neg(s)
            }
            Step::Tanh(_) => {
                let square = self.mul(id, id);
                let minus = self.neg(square);
                self.shift(minus, 1.0)
            }
            Step::Erf(_) => {
                let square = self.mul(x, x);
                let minus = self.neg(square);
                let bell = self.exp(minus);
                self.scale(bell, 2.0 / std::f64::consts::PI.sqrt())
            }
            Step::Leaf | Step::Add(..) | Step::Mul(..) => return out,
        };
        vec![(x, self.mul(dy, slope))]
    }
}

fn operands(step: Step) -> [Option<Id>; 2] {
    match step {
        Step::Leaf => [None, None],
        Step::Add(a, b) | Step::Mul(a, b) => [Some(a), Some(b)],
        Step::Copy(x)
        | Step::Neg(x)
        | Step::Recip(x)
        | Step::Exp(x)
        | Step::Log(x)
        | Step::Sqrt(x)
        | Step::Sin(x)
        | Step::Cos(x)
        | Step::Tanh(x)
        | Step::Erf(x) => [Some(x), None],
    }
}
