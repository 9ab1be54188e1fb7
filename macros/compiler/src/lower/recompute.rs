//! Calls of fields marked `#[recompute]`: nodes with a body, for which backward keeps only the operands (gradient
//! checkpointing: Chen et al., 2016).

use super::Lower;
use crate::args::Given;
use crate::diag::Reported;
use crate::ir::{NodeId, Op, Region};
use crate::value::{Tensor, Value};

impl<'a> Lower<'a> {
    /// Makes a call in its own body, if the field is marked: `call` gets the parameters and arguments as values of that
    /// body.
    pub fn again(
        &mut self,
        field: usize,
        params: &[NodeId],
        given: Vec<Given>,
        call: impl FnOnce(&mut Self, Vec<NodeId>, Vec<Given>) -> Reported<Value>,
    ) -> Reported<Value> {
        let field = &self.net.fields[field];
        if !(self.recompute && field.recompute) {
            return call(self, params.to_vec(), given);
        }
        let depth = self.depth();
        self.open();
        let params = params.iter().map(|p| self.home(*p, depth)).collect();
        let inside = |g: Given| Given {
            value: self.bring_value(g.value, depth),
            ..g
        };
        let given = given.into_iter().map(inside).collect();
        let value = call(self, params, given);
        let mut results = Vec::new();
        if let Ok(value) = &value {
            tensors(value, &mut results);
        }
        let ranges: Vec<_> = (results.iter()).map(|r| self.cx.range(*r)).collect();
        let (shared, body, written) = self.close(&[], results).parts();
        let value = value?;
        if body.outputs.is_empty() {
            return Ok(value);
        }
        let type_of = |o: &NodeId| (body.shape(*o).clone(), body[*o].dtype);
        let types: Vec<_> = body.outputs.iter().map(type_of).collect();
        let region = Region {
            name: field.path.clone(),
            body,
            recompute: true,
        };
        let mut results = (self.cx.g).add_many(Op::Call(Box::new(region)), &shared, &types);
        let values = results.split_off(results.len() - written.len());
        for (home, value) in written.into_iter().zip(values) {
            self.updates.assign(&mut self.cx.g, home, value);
        }
        for (result, range) in results.iter().zip(ranges) {
            self.cx.ranges.insert(*result, range);
        }
        Ok(replace(value, &mut results.into_iter()))
    }
}

/// The tensors in a value, in order.
fn tensors(value: &Value, out: &mut Vec<NodeId>) {
    match value {
        Value::Tensor(t) => out.push(t.id),
        Value::Tuple(items) | Value::List(items) => items.iter().for_each(|v| tensors(v, out)),
        _ => {}
    }
}

/// The value with other tensors, in order.
fn replace(value: Value, by: &mut impl Iterator<Item = NodeId>) -> Value {
    match value {
        Value::Tensor(t) => Value::Tensor(Tensor {
            id: by.next().unwrap_or(t.id),
            text: t.text,
        }),
        Value::Tuple(items) => Value::Tuple(items.into_iter().map(|v| replace(v, by)).collect()),
        Value::List(items) => Value::List(items.into_iter().map(|v| replace(v, by)).collect()),
        other => other,
    }
}
