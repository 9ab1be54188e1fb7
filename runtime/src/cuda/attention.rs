//! Attention.

use netform_ptx::{Addr as At, Arg, Dropout};

use super::Cuda;
use super::gpu::{Gpu, State};
use crate::Result;
use crate::device::{Addr, Attention, AttentionKernels, Operand};

fn sizes(g: Attention, dropout: Option<Dropout>) -> netform_ptx::Attention {
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
        dropout,
    }
}

fn dropout(gpu: &Gpu, state: &mut State, g: Attention) -> Result<Option<Dropout>> {
    let Some(dropout) = g.dropout else {
        return Ok(None);
    };
    let stream = gpu.random(state, dropout.stream)?;
    let p = dropout.p;
    Ok(Some(Dropout { p, stream }))
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
        let masks = args(masks);
        self.gpu.put(|state| {
            let g = sizes(g, dropout(&self.gpu, state, g)?);
            let plan = netform_ptx::attention(g, ats(inputs), &masks, ats(outputs));
            self.gpu.launch(state, plan)
        });
    }

    unsafe fn attention_grad(
        &self,
        g: Attention,
        inputs: [Addr; 3],
        masks: &[Operand<4>],
        saved: [Addr; 3],
        outputs: [Addr; 3],
    ) {
        let masks = args(masks);
        self.gpu.put(|state| {
            let g = sizes(g, dropout(&self.gpu, state, g)?);
            let work = self.gpu.scratch(state, netform_ptx::attention_work(g))?;
            let (inputs, saved, outputs) = (ats(inputs), ats(saved), ats(outputs));
            let plan = netform_ptx::attention_grad(g, inputs, &masks, saved, outputs, work);
            self.gpu.launch(state, plan)
        });
    }
}
