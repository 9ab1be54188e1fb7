//! A stack of layers is a loop: the emitted code is the same for any number of layers, except for the numbers in it.

use proc_macro2::TokenStream;

fn emitted(layers: usize) -> String {
    let source = format!(
        "pub struct Net {{
            model: Transformer(8, 2, num_encoder_layers = {layers}, num_decoder_layers = {layers}, dim_feedforward = 16),
        }}
        fn loss(src: [B, S, 8], tgt: [B, T, 8]) -> [] {{ model(src, tgt).square().mean() }}"
    );
    let source: TokenStream = source.parse().unwrap_or_default();
    netform_compiler::expand(source).to_string()
}

#[test]
fn code_does_not_grow_with_the_number_of_layers() {
    let (few, many) = (emitted(2), emitted(96));
    assert!(few.contains("loss_backward") && !few.contains("compile_error"));
    // Numbers have more digits, and sizes may change the order of some steps.
    let (few, many) = (few.len(), many.len());
    assert!(many < few + few / 50, "2 layers: {few} bytes, 96: {many}");
}
