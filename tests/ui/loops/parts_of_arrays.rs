use netform::prelude::*;

network! {
    pub struct Net {
        blocks: [Linear(8 -> 8); 4],
        list: [Linear(8 -> 8), Linear(8 -> 8)],
        one: Linear(8 -> 8),
    }
    fn too_far(x: [B, 8]) -> [B, 8] { blocks[1..5](x) }
    fn backwards(x: [B, 8]) -> [B, 8] { blocks[3..1](x) }
    fn stepped(x: [B, 8]) -> [B, 8] { blocks[0:4:2](x) }
    fn listed(x: [B, 8]) -> [B, 8] {
        let mut h = one(x);
        for layer in list[..3] { h = layer(h); }
        h
    }
    fn called(x: [B, 8]) -> [B, 8] { list[..1](x) }
    fn by_a_tensor(x: [B, 8]) -> [B, 8] { blocks[..x](x) }
}

fn main() {}
