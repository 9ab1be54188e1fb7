//! Attention.

use netform_ptx::{Addr as At, Arg};

use super::Cuda;
use crate::device::{Addr, Attention, AttentionKernels, Operand};

fn sizes(g: Attention) -> netform_ptx::Attention {
    netform_ptx::Attention {
        batch: g.batch,
        heads: g.heads,
        queries: g.queries,
        keys: g.keys,
        width: g.width,
        value_width: g.value_width,
        interleaved: g.interleaved,
        causal: g.causal,
        scale: g.scale as f32,
    }
}

fn args(masks: &[Operand<4>]) -> Vec<Arg> {
    let one = |m: &Operand<4>| Arg::new(m.addr as At, &m.strides.map(|s| s as i64));
    masks.iter().map(one).collect()
}

fn ats<const N: usize>(arrays: [Addr; N]) -> [At; N] {
    arrays.map(|a| a as At)
}

impl AttentionKernels for Cuda {
    unsafe fn attention(
        &self,
        g: Attention,
        inputs: [Addr; 3],
        masks: &[Operand<4>],
        outputs: [Addr; 2],
    ) {
        let plan = netform_ptx::attention(sizes(g), ats(inputs), &args(masks), ats(outputs));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }

    unsafe fn attention_grad(
        &self,
        g: Attention,
        inputs: [Addr; 3],
        masks: &[Operand<4>],
        saved: [Addr; 3],
        outputs: [Addr; 3],
    ) {
        let (g, masks) = (sizes(g), args(masks));
        self.gpu.put(|state| {
            let work = self.gpu.scratch(state, netform_ptx::attention_work(g))?;
            let (inputs, saved, outputs) = (ats(inputs), ats(saved), ats(outputs));
            let plan = netform_ptx::attention_grad(g, inputs, &masks, saved, outputs, work);
            self.gpu.launch(state, plan)
        });
    }
}
