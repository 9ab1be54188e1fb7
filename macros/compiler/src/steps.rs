//! Loops that layers and ops consist of: a recurrence over a sequence, a stack of equal layers.
//!
//! Takes shared values, carried values, values that are cut along their first dimension, and a function that builds one
//! step. Returns one node whose body is that step, so that neither code nor compile time grows with the number of
//! steps. The user's `scan` and `for` are lowered in `lower`, to the same node.

use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::{Graph, NodeId, Op, Scan};

/// The inputs of a loop.
pub struct Steps<'a> {
    /// The name for messages and pictures.
    pub name: &'a str,
    /// The number of steps.
    pub count: Dim,
    /// From the last index to the first.
    pub reverse: bool,
    /// Values that all steps read.
    pub shared: &'a [NodeId],
    /// First values of carried values.
    pub carried: &'a [NodeId],
    /// Values that are cut along their first dimension, one slice a step.
    pub slices: &'a [NodeId],
}

/// The values of one step, as nodes of its body.
pub struct Step {
    /// The inputs for `Steps::shared`.
    pub shared: Vec<NodeId>,
    /// The inputs for `Steps::carried`.
    pub carried: Vec<NodeId>,
    /// The slices, without their first dimension.
    pub slices: Vec<NodeId>,
}

/// The results of a step: the next carried values, and values to be stacked; or of the loop: the last carried values,
/// and the stacks, whose first dimension is the step.
pub struct Stepped {
    /// One for each of `Steps::carried`, of the same shape and type.
    pub carried: Vec<NodeId>,
    /// The stacked values.
    pub stacked: Vec<NodeId>,
}

impl Cx<'_> {
    /// Adds a loop. `step` builds its body only from the values that it is given.
    pub fn steps(
        &mut self,
        steps: &Steps,
        step: impl FnOnce(&mut Self, Step) -> Reported<Stepped>,
    ) -> Reported<Stepped> {
        let body = Graph {
            here: self.g.here.clone(),
            ..Graph::default()
        };
        let outer = std::mem::replace(&mut self.g, body);
        let origin = std::mem::take(&mut self.origin);
        let ranges = std::mem::take(&mut self.ranges);
        let whole = [steps.shared, steps.carried].concat();
        let whole = whole.iter().map(|id| (*id, 0));
        let mut inputs: Vec<NodeId> = Vec::new();
        for (id, cut) in whole.chain(steps.slices.iter().map(|id| (*id, 1))) {
            let index = inputs.len();
            let (shape, dtype) = (outer.shape(id)[cut..].to_vec(), outer[id].dtype);
            let input = self.g.add_typed(Op::Input { index }, &[], shape, dtype);
            // A carried value changes, so the range of its first value does not hold for it.
            if !steps.carried.contains(&id) {
                self.ranges.follow(input, &ranges, id);
            }
            inputs.push(input);
        }
        let slices = inputs.split_off(steps.shared.len() + steps.carried.len());
        let carried = inputs.split_off(steps.shared.len());
        let shared = inputs;
        let done = step(
            self,
            Step {
                shared,
                carried,
                slices,
            },
        );
        let mut body = std::mem::replace(&mut self.g, outer);
        self.origin = origin;
        self.ranges = ranges;
        let done = done?;
        body.outputs = [done.carried, done.stacked].concat();
        let scan = Scan {
            name: steps.name.to_owned(),
            body,
            count: steps.count.clone(),
            reverse: steps.reverse,
            shared: steps.shared.len(),
            carried: steps.carried.len(),
        };
        let types = scan.results();
        let operands = [steps.shared, steps.carried, steps.slices].concat();
        let mut carried = self.g.add_many(Op::Scan(Box::new(scan)), &operands, &types);
        let stacked = carried.split_off(steps.carried.len());
        Ok(Stepped { carried, stacked })
    }
}
