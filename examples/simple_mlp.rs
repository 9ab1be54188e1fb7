//! The multilayer perceptron of the lecture.
use netform::prelude::*;

network! {
    /// Three linear layers with sigmoids between them.
    pub struct SimpleMlp {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 7),
        linear_3: Linear(7 -> 3),
    }

    fn forward(x: [B, 8]) -> [B, 3] {
        let x = sigmoid(linear_1(x));
        let x = sigmoid(linear_2(x));
        linear_3(x)
    }

    fn loss(x: [B, 8], target: [B, 3]) -> [] {
        mse_loss(forward(x), target)
    }
}

fn main() -> netform::Result<()> {
    let mut mlp = SimpleMlp::new(Cpu::new(), 42)?;
    let mut sgd = Sgd::new(0.01);
    let x = vec![[0.5f32; 8]; 10];
    let target = vec![[0.25f32; 3]; 10];
    for _ in 0..100 {
        let loss = mlp.loss_backward(&x, &target)?;
        sgd.step(&mut mlp)?;
        println!("{loss}");
    }
    Ok(())
}
