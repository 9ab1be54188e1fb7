//! Tied parameters.

use super::Gen;
use crate::ast::{Network, Program};
use crate::layout::{self, Param};
use crate::size::Size;

impl Gen {
    /// Ties some parameters of equal shape.
    pub(super) fn share(&mut self, mut net: Network) -> Network {
        for _ in 0..2 {
            if self.coin() {
                continue;
            }
            let mut nets = self.finished.clone();
            nets.push(net.clone());
            let program = Program {
                seed: 0,
                nets,
                dims: [1, 1],
            };
            // Its sizes are names here: equal shapes must be equal for all values of a field.
            let sizes: Vec<Size> = net.generics.iter().map(|(g, _)| Size::name(g)).collect();
            let all = layout::params(&program, program.nets.len() - 1, &sizes);
            let fits = |l: &&Param, r: &Param| {
                l.name != r.name
                    && l.shared.is_none()
                    && l.shape == r.shape
                    && l.stack == r.stack
                    && l.frozen == r.frozen
                    && layout::holder(&all, &r.name) != l.name
            };
            let pairs: Vec<(String, String)> = (all.iter())
                .flat_map(|r| {
                    let left = all.iter().filter(move |l| fits(l, r));
                    left.map(move |l| (l.plain(), r.plain()))
                })
                // A custom parameter cannot be the left side: it would be declared without values.
                .filter(|(l, _): &(String, String)| l.contains('.'))
                .collect();
            if let Some(pair) = self.rng.pick_some(&pairs) {
                net.shared.push(pair);
            }
        }
        net
    }
}
