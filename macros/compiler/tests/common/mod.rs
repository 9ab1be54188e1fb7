//! Runs a planned graph in its places as emitted code does, in f64 and one node at a time.
//!
//! A value that is overwritten before its last read gives wrong results here.

use netform_compiler::eval::{Array, Env, eval_node};
use netform_compiler::ir::{Graph, NodeId, Op};
use netform_compiler::passes::memory::{Memory, Place, root};
use std::collections::HashMap;

/// The contents of each slot, parameter and gradient.
#[derive(Default)]
struct Machine {
    cells: HashMap<String, Vec<f64>>,
    /// The enclosing loops: the current step of each, and its number of steps.
    steps: HashMap<usize, (usize, usize)>,
}

impl Machine {
    /// The cells of a place and its first element, for values of `len` elements.
    fn find(&self, place: &Place, len: usize) -> (String, usize) {
        match place {
            Place::Part(whole, number) => {
                let (step, count) = self.steps[number];
                let (cells, first) = self.find(whole, len * count);
                (cells, first + step * len)
            }
            other => (format!("{other:?}"), 0),
        }
    }

    fn read(&self, place: &Place, shape: Vec<usize>) -> Array {
        let len: usize = shape.iter().product();
        let (cells, first) = self.find(place, len);
        let all = self.cells.get(&cells);
        let at = |i: usize| all.and_then(|c| c.get(first + i)).copied();
        Array {
            data: (0..len).map(|i| at(i).unwrap_or(f64::NAN)).collect(),
            shape,
        }
    }

    fn write(&mut self, place: &Place, value: &Array) {
        let (cells, first) = self.find(place, value.data.len());
        let cells = self.cells.entry(cells).or_default();
        let end = first + value.data.len();
        if cells.len() < end {
            cells.resize(end, f64::NAN);
        }
        cells[first..end].copy_from_slice(&value.data);
    }

    fn run(&mut self, g: &Graph, m: &Memory, env: &Env) {
        let shape = |id: NodeId, k: usize| {
            env.shape(match k {
                0 => g.shape(id),
                k => &g[id].more_results[k - 1].0,
            })
        };
        for id in g.ids() {
            let node = &g[id];
            match &node.op {
                Op::Input { .. } | Op::Param { .. } | Op::Reshape | Op::Get(_) => {}
                Op::Scan(scan) => {
                    let body = &m.bodies[&id.index()];
                    for k in 0..scan.carried {
                        let arg = node.args[scan.shared + k];
                        let value = self.read(&m.place[arg.index()][0], shape(arg, 0));
                        self.write(&m.place[id.index()][k], &value);
                    }
                    let count = env.shape(std::slice::from_ref(&scan.count))[0];
                    let inputs = scan.body.inputs();
                    for step in 0..count {
                        let step = if scan.reverse { count - 1 - step } else { step };
                        self.steps.insert(body.number, (step, count));
                        self.run(&scan.body, &body.memory, env);
                        for (k, o) in scan.body.outputs.iter().enumerate().take(scan.carried) {
                            let (n, r) = root(&scan.body, *o);
                            let input = inputs[scan.shared + k].index();
                            let shape = env.shape(scan.body.shape(*o));
                            let value = self.read(&body.memory.place[n.index()][r], shape);
                            self.write(&body.memory.place[input][0], &value);
                        }
                    }
                }
                _ => {
                    let mut values: Vec<Vec<Array>> = vec![Vec::new(); id.index()];
                    for a in &node.args {
                        values[a.index()] = vec![self.read(&m.place[a.index()][0], shape(*a, 0))];
                    }
                    for (k, value) in eval_node(g, id, &values, env).iter().enumerate() {
                        self.write(&m.place[id.index()][k], value);
                    }
                }
            }
        }
    }
}

/// The outputs of a planned graph, computed in its places.
pub fn run(g: &Graph, m: &Memory, env: &Env) -> Vec<Array> {
    let mut machine = Machine::default();
    for id in g.ids() {
        match g[id].op {
            Op::Input { index } => machine.write(&m.place[id.index()][0], &env.inputs[index]),
            Op::Param { index } => machine.write(&m.place[id.index()][0], &env.params[index]),
            _ => {}
        }
    }
    machine.run(g, m, env);
    (g.outputs.iter())
        .map(|o| machine.read(&m.place[o.index()][0], env.shape(g.shape(*o))))
        .collect()
}
