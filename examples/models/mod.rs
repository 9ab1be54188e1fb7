//! Well-known architectures under the names of torchvision and of Hugging Face's transformers. Each file stands alone.

pub mod bert;
pub mod densenet121;
pub mod gpt2;
pub mod llama;
pub mod mobilenet_v2;
pub mod resnet18;
pub mod resnet50;
pub mod vgg16;
pub mod vit_b_16;
