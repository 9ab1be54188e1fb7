use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] {
        let keep: bool[B] = x * 2.0;
        x
    }
    fn integers(x: [B]) -> [B] {
        let at: u32[B] = floor(x);
        x
    }
    fn longs(i: i64[B], m: bool[B]) -> [B] {
        let keep: bool[B] = i;
        let at: i64[B] = m;
        i.float()
    }
    fn result(x: [B]) -> i32[B] { floor(x) }
    fn condition(i: i64[B]) -> bool[B] { i }
    fn other(x: [B, T]) -> bool[T] { x }
    // Floats take the others.
    fn converted(i: i64[B], m: bool[B]) -> [B] {
        let x: [B] = i;
        let y: [B] = m;
        x * y
    }
}

fn main() {}
