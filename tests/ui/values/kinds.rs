use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 8),
        stack: [Linear(8 -> 8); 2],
        running: Buffer[8] = zeros,
    }
    fn arrow(x: [B, 8]) -> [B, 8] { x + relu(8 -> 8) }
    fn not_called(x: [B, 8]) -> [B, 8] { x + relu }
    fn a_value_called(x: [B, 8]) -> [B, 8] { let y = x; y(x) }
    fn its_shape(x: [B, 8]) -> [B, 8] { x * x.shape }
    fn a_field(x: [B, 8]) -> [B, 8] { x.weight }
    fn all_weights(x: [B, 8]) -> [B, 8] { x.matmul(stack.weight) }
    fn item(x: [B, 8]) -> [B, 8] { (x, x)[x] }
    fn elements(x: [B, 8]) -> [B, 8] { x + "eight"[0] }
    fn names(x: [B, 8]) -> [B, 8] { "x" }
    fn one_layer(x: [B, 8]) -> [B, 8] { linear[0](x) }
    fn no_array(x: [B, 8]) -> [B, 8] { stack[0][0](x) }
    fn a_size(x: [B, 8]) -> [B, 8] { let B = 3; x }
    fn taken_apart(x: [B, 8]) -> [B, 8] { let (y, z) = x; y }
    fn shaped(x: [B, 8]) -> [B, 8] { let y: [B, 8] = "x"; x }
    fn some_rest(x: [B, 8]) -> [B, 8] { let y: [.., 8] = x; y }
    fn beside(x: [B, 8]) -> [B, 8] {
        let mut y = x;
        for (layer, z) in zip(stack, 2) { y = layer(y); }
        y
    }
    fn by_name(x: [B, 8]) -> [B, 8] { grad(x.sum(), input = x) }
    fn of_a_text(x: [B, 8]) -> [B, 8] { grad("x", x) }
    fn by_a_text(x: [B, 8]) -> [B, 8] { grad(x.sum(), "x") }
    fn over_texts(x: [B, 8]) -> [B, 8] { let (h, y) = scan("x", x, |h, x_t| (h, h)); h }
    fn from_texts(x: [B, 8]) -> [8] { let (h, y) = scan(x, "x", |h, x_t| (h, h)); h }
    fn closures_first(x: [B, 8]) -> [B, 8] { let (h, y) = scan(|h| h, x, |h, x_t| (h, h)); h }
    fn buffered(x: [B, 8]) -> [B, 8] { running = "x"; x + running }
    fn branches(x: [B, 8]) -> [B, 8] {
        let y = if training { x; } else { x };
        y
    }
    fn kept(x: [B, 8], #[state] s: [B, 8]) -> [B, 8] { s = "x"; x }
    #[eval]
    fn used(x: [B, 8]) -> [B, 8] { linear(stack[0](x)) + running }
}

fn main() {}
