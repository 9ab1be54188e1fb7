//! Losses: the layer if the call has only its inputs, the function if it has further tensors.

use super::graph::{Graph, inputs};
use super::text::{join, keywords, without};
use super::{Module, Refusal, layer};
use crate::index::Case;
use crate::tensors::Tensors;

/// The functions of the losses.
const FUNCTIONS: [(&str, &str); 10] = [
    ("MSELoss", "mse_loss"),
    ("L1Loss", "l1_loss"),
    ("SmoothL1Loss", "smooth_l1_loss"),
    ("HuberLoss", "huber_loss"),
    ("BCELoss", "binary_cross_entropy"),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"),
    ("CrossEntropyLoss", "cross_entropy"),
    ("NLLLoss", "nll_loss"),
    ("CosineEmbeddingLoss", "cosine_embedding_loss"),
    ("KLDivLoss", "kl_div"),
];

/// The module of a loss.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let inputs = inputs(case);
    let (tensors, values): (Vec<String>, Vec<String>) = inputs
        .into_iter()
        .partition(|name| name.ends_with("weight"));
    let mut graph = Graph::default();
    if tensors.is_empty() {
        let declared = layer::declaration(&case.name, Some(&case.attrs));
        graph.fields.push(format!("loss: {declared}"));
        graph.result = format!("loss({})", join(values));
    } else {
        let function = FUNCTIONS.iter().find(|f| f.0 == case.name);
        let (_, function) = function.ok_or_else(|| format!("the loss {}", case.name))?;
        let keywords = keywords(without(&case.attrs, &[]));
        let tensors = tensors.iter().map(|t| format!("{t} = {t}"));
        let args = values.into_iter().chain(tensors).chain(keywords);
        graph.result = format!("{function}({})", join(args));
    }
    graph.module(case, given)
}
