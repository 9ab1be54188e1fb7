use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 16),
    }
    fn forward(tokens: u32[B]) -> [B, 16] { token(tokens) }
}

fn main() {
    let net = Net::new(Cpu::new(), 0).unwrap();
    let _ = net.forward(&[0.5f32, 1.5]);
}
