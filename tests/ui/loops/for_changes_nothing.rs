use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for block in blocks { let y = block(h); }
        h
    }
    fn hidden(x: [B, 8]) -> [B, 8] {
        for block in blocks { let (x, _) = (block(x), 1); }
        x
    }
    fn several(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        let z = x;
        for block in blocks { (h, z, x) = (block(h), h, z); }
        (h, _) = block[0](h);
        (h, w) = (h, h);
        h
    }
}

fn main() {}
