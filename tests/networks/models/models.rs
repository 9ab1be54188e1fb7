//! The models of `examples/models`.

#[path = "../../../examples/models/bert.rs"]
pub mod bert;
#[cfg(feature = "full")]
#[path = "../../../examples/models/densenet121.rs"]
pub mod densenet121;
#[path = "../../../examples/models/gpt2.rs"]
pub mod gpt2;
#[path = "../../../examples/models/llama.rs"]
pub mod llama;
#[path = "../../../examples/models/mobilenet_v2.rs"]
pub mod mobilenet_v2;
#[path = "../../../examples/models/resnet18.rs"]
pub mod resnet18;
#[path = "../../../examples/models/resnet50.rs"]
pub mod resnet50;
#[path = "../../../examples/models/vgg16.rs"]
pub mod vgg16;
#[path = "../../../examples/models/vit_b_16.rs"]
pub mod vit_b_16;
