use netform::prelude::*;

network! {
    struct First {
        linear: Linear(4 -> 4),
    }
    fn step(x: [B, 4], #[state] h: [B, 4]) -> [B, 4] {
        h = linear(x) + h;
        h
    }
}

network! {
    struct Second {
        linear: Linear(4 -> 4),
    }
    fn step(x: [B, 4], #[state] h: [B, 4]) -> [B, 4] {
        h = linear(x) + h;
        h
    }
}

fn main() {
    let (first, second) = (First::new(Cpu::new(), 1).unwrap(), Second::new(Cpu::new(), 1).unwrap());
    let mut state = second.state(2).unwrap();
    first.step(&[[0.0f32; 4]; 2], &mut state).unwrap();
    first.step(&[[0.0f32; 4]; 2]).unwrap();
}
