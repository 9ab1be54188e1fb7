//! The Transformer of Vaswani et al. (2017): `TransformerEncoderLayer(d_model, nhead)`,
//! `TransformerDecoderLayer`, stacks of them, and the whole `Transformer`.
//!
//! Sequences: src and memory (B, S, E), tgt (B, T, E); with `batch_first = false` (S, B, E) and (T, B, E), transposed
//! once at the start and once at the end. A layer is attention to the sequence itself, in a decoder attention to the
//! memory, and two linear maps with an activation between, each with a residual connection and a LayerNorm after it, or
//! (`norm_first`) before it. Parameters have PyTorch's names. `block` is one layer, `stack` a loop over equal ones; the
//! layers of the language are here and in `whole`.
//!
//! Where PyTorch copies one initialised layer, each layer of a stack here starts with its own values.

mod block;
mod stack;
mod whole;

pub use whole::TRANSFORMER;

use super::attention::Masks;
use super::{Call, Layer, LayerDef, ParamDecl};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ir::NodeId;
use crate::value::Value;
use block::{Block, LAYER, sequence};
use stack::Stack;

/// The table's row.
pub const ENCODER_LAYER: LayerDef = LayerDef {
    name: "TransformerEncoderLayer",
    signature: LAYER,
    declare: |cx, a| Ok(Box::new(EncoderLayer(Block::declare(cx, a, false)?))),
};

/// The table's row.
pub const DECODER_LAYER: LayerDef = LayerDef {
    name: "TransformerDecoderLayer",
    signature: LAYER,
    declare: |cx, a| Ok(Box::new(DecoderLayer(Block::declare(cx, a, true)?))),
};

/// The table's row.
pub const ENCODER: LayerDef = LayerDef {
    name: "TransformerEncoder",
    signature: "encoder_layer, num_layers, norm = None",
    declare: |cx, a| {
        let example = "TransformerEncoderLayer(512, 8)";
        let layer = a.layer::<EncoderLayer>(cx, "encoder_layer", example)?;
        Ok(Box::new(Encoder(Stack::declare(
            cx,
            a,
            layer.map(|l| &l.0),
            example,
        )?)))
    },
};

/// The table's row.
pub const DECODER: LayerDef = LayerDef {
    name: "TransformerDecoder",
    signature: "decoder_layer, num_layers, norm = None",
    declare: |cx, a| {
        let example = "TransformerDecoderLayer(512, 8)";
        let layer = a.layer::<DecoderLayer>(cx, "decoder_layer", example)?;
        Ok(Box::new(Decoder(Stack::declare(
            cx,
            a,
            layer.map(|l| &l.0),
            example,
        )?)))
    },
};

struct EncoderLayer(Block);
struct DecoderLayer(Block);
struct Encoder(Stack);
struct Decoder(Stack);

/// The other inputs of a layer besides the sequence that it changes.
struct Around {
    /// Masks of the attention to the sequence itself.
    own: Masks,
    /// The memory of a decoder, and its masks.
    memory: Option<(NodeId, Masks)>,
}

impl Layer for EncoderLayer {
    fn params(&self) -> Vec<ParamDecl> {
        self.0.params()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let signature = "src, src_mask = None, src_key_padding_mask = None, is_causal = false";
        let a = Args::bind(cx, call.field, call.span, signature, given)?;
        let masks = ["src_mask", "src_key_padding_mask", "is_causal"];
        let (x, alone, around) = encoded(cx, call, &a, &self.0, masks)?;
        let y = self.0.forward(cx, call.span, call.params, x, &around)?;
        Ok(left(cx, &self.0, y, alone))
    }
}

impl Layer for Encoder {
    fn params(&self) -> Vec<ParamDecl> {
        self.0.params()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let signature = "src, mask = None, src_key_padding_mask = None, is_causal = false";
        let a = Args::bind(cx, call.field, call.span, signature, given)?;
        let masks = ["mask", "src_key_padding_mask", "is_causal"];
        let (x, alone, around) = encoded(cx, call, &a, &self.0.layer, masks)?;
        let y = self.0.forward(cx, call, call.params, x, &around)?;
        Ok(left(cx, &self.0.layer, y, alone))
    }
}

/// The arguments of a decoder's call, PyTorch's.
const DECODE: &str = "tgt, memory, tgt_mask = None, memory_mask = None, tgt_key_padding_mask = None, memory_key_padding_mask = None, tgt_is_causal = false, memory_is_causal = false";

impl Layer for DecoderLayer {
    fn params(&self) -> Vec<ParamDecl> {
        self.0.params()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, DECODE, given)?;
        let memory = sequence(cx, call, &a, "memory", &self.0)?;
        let (x, alone, around) = decoded(cx, call, &a, &self.0, memory)?;
        let y = self.0.forward(cx, call.span, call.params, x, &around)?;
        Ok(left(cx, &self.0, y, alone))
    }
}

impl Layer for Decoder {
    fn params(&self) -> Vec<ParamDecl> {
        self.0.params()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, DECODE, given)?;
        let memory = sequence(cx, call, &a, "memory", &self.0.layer)?;
        let (x, alone, around) = decoded(cx, call, &a, &self.0.layer, memory)?;
        let y = self.0.forward(cx, call, call.params, x, &around)?;
        Ok(left(cx, &self.0.layer, y, alone))
    }
}

/// `src`, whether it came without a batch, and its masks, which have these names.
fn encoded(
    cx: &mut Cx,
    call: &Call,
    a: &Args,
    block: &Block,
    masks: [&str; 3],
) -> Reported<(NodeId, bool, Around)> {
    let (x, alone) = sequence(cx, call, a, "src", block)?;
    let sizes = block.own.sizes(cx, x, x);
    let own = Masks::of(cx, a, masks, &sizes, alone)?;
    let memory = None;
    Ok((x, alone, Around { own, memory }))
}

/// `tgt`, whether it and the memory came without a batch, its masks, and those of the memory.
fn decoded(
    cx: &mut Cx,
    call: &Call,
    a: &Args,
    block: &Block,
    (memory, like): (NodeId, bool),
) -> Reported<(NodeId, bool, Around)> {
    let (x, alone) = sequence(cx, call, a, "tgt", block)?;
    block.one_batch(cx, call, a, (x, alone), (memory, like))?;
    let sizes = block.own.sizes(cx, x, x);
    let masks = ["tgt_mask", "tgt_key_padding_mask", "tgt_is_causal"];
    let own = Masks::of(cx, a, masks, &sizes, alone)?;
    let sizes = block.own.sizes(cx, x, memory);
    let masks = ["memory_mask", "memory_key_padding_mask", "memory_is_causal"];
    let seen = Masks::of(cx, a, masks, &sizes, alone)?;
    let memory = Some((memory, seen));
    Ok((x, alone, Around { own, memory }))
}

/// A result (B, T, E) in the form of the call's sequences.
fn left(cx: &mut Cx, block: &Block, y: NodeId, alone: bool) -> Value {
    let y = match alone {
        true => {
            let shape = cx.g.shape(y)[1..].to_vec();
            cx.g.reshape(y, &shape)
        }
        false => block.own.turned(cx, y),
    };
    cx.tensor(y)
}
