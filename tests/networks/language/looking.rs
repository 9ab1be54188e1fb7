//! Tables and pictures agree with the network, and are well-formed.

use netform::prelude::*;

network! {
    struct Lecture {}
    #[draw]
    fn f(#[grad] x: [], #[grad] y: []) -> [] { y * (x * x + x) }
}

network! {
    struct Mlp {
        linear_1: Linear(8 -> 10),
        #[frozen]
        linear_2: Linear(10 -> 3),
        scale: Param[3] = ones,
        dropout: Dropout(p = 0.5),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear_2(dropout(sigmoid(linear_1(x)))) * scale }
    #[draw]
    fn loss(x: [B, 8], y: u32[B]) -> [] { cross_entropy(forward(x), y) + 0.5 * detach(scale).sum() }
}

/// The number in a picture's tensor.
fn item(t: Option<&Tensor>) -> f32 {
    t.expect("it is drawn").as_slice::<f32>().expect("floats")[0]
}

/// The texts of a picture, which must be XML.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).expect("well-formed XML");
    let texts = document.descendants().filter(|n| n.has_tag_name("text"));
    texts.filter_map(|n| n.text().map(str::to_owned)).collect()
}

#[test]
fn the_lectures_picture() {
    let lecture = Lecture::new(Cpu::new(), 0).unwrap();
    let picture = lecture.f_draw(2.0f32, 1.0f32).unwrap();
    let nodes = 0..picture.function().nodes.len();
    // x, y, x * x, x * x + x, y * (..)
    let values: Vec<f32> = nodes.clone().map(|n| item(picture.value(n))).collect();
    let gradients: Vec<f32> = nodes.map(|n| item(picture.gradient(n))).collect();
    assert_eq!(values, [2.0, 1.0, 4.0, 6.0, 6.0]);
    assert_eq!(gradients, [5.0, 6.0, 1.0, 1.0, 1.0]);
    // x is read twice: 4 comes back through the square, 1 from the sum.
    let mut wires: Vec<(usize, usize, f32)> =
        picture.wires().map(|(a, b, g)| (a, b, item(g))).collect();
    wires.sort_by_key(|w| (w.0, w.1));
    let wanted = [
        (0, 2, 4.0),
        (0, 3, 1.0),
        (1, 4, 6.0),
        (2, 3, 1.0),
        (3, 4, 1.0),
    ];
    assert_eq!(wires, wanted);

    let texts = texts(&picture.svg());
    let count = |text: &str| texts.iter().filter(|t| *t == text).count();
    assert_eq!(["x", "y", "*", "+", "f"].map(count), [1, 1, 2, 1, 1]);
    // Above: 2 twice, 1, 4, 6 and the result 6. Below: 4, 6 and 1 four times.
    assert_eq!(["2", "4", "6", "1"].map(count), [2, 2, 3, 5]);
    let dot = picture.dot();
    assert!(
        dot.starts_with("digraph") && dot.contains("[label=\"2\\n4\"]"),
        "{dot}"
    );
}

#[test]
fn a_picture_of_a_network() {
    let mut net = Mlp::new(Cpu::new(), 1).unwrap();
    let (x, y) = ([[0.3f32; 8]; 5], [0u32, 1, 2, 2, 1]);
    let before = net.loss(&x, &y).unwrap().item().unwrap();
    let picture = net.loss_draw(&x, &y).unwrap();
    let f = picture.function();
    assert_eq!(item(picture.value(f.outputs[0])), before);
    let find = |name: &str| {
        f.nodes
            .iter()
            .position(|n| n.name == name && n.op.starts_with("param"))
    };
    // Without dropout, the picture's gradients are those of the loss by finite differences.
    let scale = find("scale").unwrap();
    let drawn = picture
        .gradient(scale)
        .unwrap()
        .as_slice::<f32>()
        .unwrap()
        .to_vec();
    for i in 0..3 {
        let mut at = |h: f32| {
            let mut values = [1.0f32; 3];
            values[i] += h;
            net.set_parameter("scale", &Tensor::from_vec([3], values.to_vec()).unwrap())
                .unwrap();
            // The detached sum changes with `scale`, but has no gradient.
            net.loss(&x, &y).unwrap().item().unwrap() - 0.5 * values.iter().sum::<f32>()
        };
        let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
        assert!((slope - drawn[i]).abs() < 1e-3, "{slope} and {}", drawn[i]);
        at(0.0);
    }
    let texts = texts(&picture.svg());
    for text in ["x", "linear_1.weight", "sigmoid", "loss"] {
        assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
    }
    assert!(
        texts.iter().any(|t| t.starts_with("[5, 8] norm ")),
        "{texts:?}"
    );
    // Another batch size uses the same program.
    net.loss_draw(&x[..2], &y[..2]).unwrap();
}

#[test]
fn the_static_graph() {
    let graph = Mlp::graph();
    let expected = "\
Mlp
-------------------------------------------------
layer     declared as       output     parameters
-------------------------------------------------
linear_1  Linear(8 -> 10)   [B, 10]            90
linear_2  Linear(10 -> 3)   [B, 3]             33
scale     Param[3]                              3
dropout   Dropout(p = 0.5)  [B, 10]             0
-------------------------------------------------
126 parameters, 33 of them frozen, 504 bytes in f32
";
    let table = graph.to_string();
    assert!(table.starts_with(expected), "{table}");
    let rest: Vec<&str> = table[expected.len()..].lines().collect();
    assert_eq!(rest.len(), 2);
    assert!(
        rest[0].starts_with("fn forward(x: [B, 8]) -> [B, 3]: "),
        "{table}"
    );
    assert!(
        rest[1].starts_with("fn loss(x: [B, 8], y: u32[B]) -> []: "),
        "{table}"
    );
    assert!(graph.function("nothing").is_none());
    for function in graph.functions {
        let texts = texts(&function.svg());
        assert!(texts.iter().any(|t| t == "[B, 8]"), "{texts:?}");
        assert!(function.dot().contains("linear_2.weight"));
    }
}
