//! Layers: values, gradients and options.

mod attention;
mod attention_dropout;
mod convolutions;
mod empty;
mod norms;
mod options_convolution;
mod options_layers;
mod options_sequence;
mod pytorch_words;
mod recurrent;
mod recurrent_constant;
mod time_first;
mod transformer;
mod unbatched;
