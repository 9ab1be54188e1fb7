use netform::prelude::*;

network! {
    struct Mlp {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] {
        let x = linear_1.
    }
    fn hidden(x: [B, 8]) -> [B, 10] { linear_1(x) }
}

// The struct and all signatures exist, so only the mistake itself is told.
fn main() -> netform::Result<()> {
    let mut mlp = Mlp::new(Cpu::new(), 0)?;
    let _ = mlp.forward(&[[0.0f32; 8]; 2])?;
    let _ = mlp.hidden(&[[0.0f32; 8]; 2])?.shape();
    mlp.save("mlp.safetensors")?;
    mlp.zero_grad();
    Ok(())
}
