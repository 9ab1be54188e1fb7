use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) }
}

fn main() {
    let net = Net::new(Cpu::new(), 0).unwrap();
    let _ = net.forward(&[[0.0f32; 9]; 4]);
}
