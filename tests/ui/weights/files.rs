use netform::prelude::*;

network! {
    #[weights("tests/weights/nowhere.safetensors")]
    struct Missing {
        linear: Linear(3 -> 4),
    }

    fn forward(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights("tests/weights/broken.safetensors")]
    struct Broken {
        linear: Linear(3 -> 4),
    }

    fn forward(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights("tests/weights/fits.safetensors")]
    struct Open<const D: usize> {
        linear: Linear(D -> 4),
    }

    fn forward(x: [B, D]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights(tests / weights)]
    struct Unquoted {
        linear: Linear(3 -> 4),
    }

    fn forward(x: [B, 3]) -> [B, 4] {
        linear(x)
    }

    fn pretrained(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights("tests/weights/fits.safetensors")]
    struct Taken {
        linear: Linear(3 -> 4),
    }

    fn pretrained(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights("tests/weights/archive.pt")]
    struct Archive {
        linear: Linear(3 -> 4),
    }

    fn forward(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

network! {
    #[weights("tests/weights/model.safetensors.index.json")]
    struct Index {
        linear: Linear(3 -> 4),
    }

    fn forward(x: [B, 3]) -> [B, 4] {
        linear(x)
    }
}

fn main() {}
