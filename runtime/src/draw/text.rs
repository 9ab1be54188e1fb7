//! Graphs as the macro emits them, in the form of `netform_core::drawn`.

use super::{Function, Graph, Kind, Layer, Node};
use crate::ParamSpec;
use netform_core::drawn::{INPUT, PARAM, SEPARATOR};

/// A function's graph.
#[derive(Clone, Copy, Debug)]
pub struct FunctionText {
    /// Its name.
    pub name: &'static str,
    /// `loss(x: [B, 8], target: [B, 3]) -> []`.
    pub signature: &'static str,
    /// The strings that its nodes name by number.
    pub strings: &'static str,
    /// Its nodes, operands before their users.
    pub nodes: &'static str,
    /// The nodes that are its results.
    pub outputs: &'static [usize],
}

impl FunctionText {
    /// Reads the graph.
    pub fn read(&self) -> Function {
        let strings: Vec<&'static str> = self.strings.split(SEPARATOR).collect();
        let nodes = self.nodes.split(';').filter(|n| !n.is_empty());
        Function {
            name: self.name,
            signature: self.signature,
            nodes: nodes.map(|n| node(n, &strings)).collect(),
            outputs: self.outputs.to_vec(),
        }
    }
}

fn node(text: &str, strings: &[&'static str]) -> Node {
    let mut words = text.split(' ');
    let kind = match words.next() {
        Some(INPUT) => Kind::Input,
        Some(PARAM) => Kind::Param,
        _ => Kind::Op,
    };
    let number = |word: &str| word.parse::<usize>().ok();
    let mut string = || {
        let k = words.next().and_then(number);
        k.and_then(|k| strings.get(k).copied()).unwrap_or("")
    };
    let [op, name, dtype, shape, constant] = std::array::from_fn(|_| string());
    let args = words.next().unwrap_or("").split(',').filter_map(number);
    Node {
        kind,
        op,
        name,
        dtype,
        shape,
        constant,
        args: args.collect(),
    }
}

/// Reads a network's graph.
pub fn read(
    name: &'static str,
    params: &'static [ParamSpec],
    layers: &'static str,
    functions: &[FunctionText],
) -> Graph {
    Graph {
        name,
        layers: layers.lines().map(|l| layer(l, params)).collect(),
        functions: functions.iter().map(FunctionText::read).collect(),
    }
}

fn layer(line: &'static str, params: &'static [ParamSpec]) -> Layer {
    let mut words = line.split(SEPARATOR);
    let [name, declared, output] = std::array::from_fn(|_| words.next().unwrap_or(""));
    let mut number = || words.next().and_then(|w| w.parse::<usize>().ok());
    let range = number().unwrap_or(0)..number().unwrap_or(0);
    Layer {
        name,
        declared,
        output,
        params: params.get(range).unwrap_or(&[]),
    }
}

#[cfg(test)]
mod tests {
    use super::{FunctionText, read};
    use crate::draw::Kind;

    #[test]
    fn as_written() {
        let f = FunctionText {
            name: "f",
            signature: "f(x: [B]) -> []",
            strings: "input\u{1f}x\u{1f}\u{1f}[B]\u{1f}param 0\u{1f}bool\u{1f}const\u{1f}2.5\u{1f}add",
            nodes: "i 0 1 2 3 2 ;p 4 2 5 3 2 ;o 6 2 2 2 7 ;o 8 2 2 3 2 0,1,2",
            outputs: &[3],
        };
        let graph = read(
            "Net",
            &[],
            "a\u{1f}Linear(2 -> 3)\u{1f}[B, 3]\u{1f}0\u{1f}0",
            &[f],
        );
        let [layer] = &graph.layers[..] else {
            panic!("one layer");
        };
        assert_eq!(
            (layer.name, layer.declared, layer.output),
            ("a", "Linear(2 -> 3)", "[B, 3]")
        );
        let f = graph.function("f").expect("the function");
        let nodes = f.nodes.iter();
        let seen: Vec<_> = nodes
            .map(|n| {
                (
                    n.kind,
                    n.op,
                    n.name,
                    n.dtype,
                    n.shape,
                    n.constant,
                    &n.args[..],
                )
            })
            .collect();
        let expected: [(_, _, _, _, _, _, &[usize]); 4] = [
            (Kind::Input, "input", "x", "", "[B]", "", &[]),
            (Kind::Param, "param 0", "", "bool", "[B]", "", &[]),
            (Kind::Op, "const", "", "", "", "2.5", &[]),
            (Kind::Op, "add", "", "", "[B]", "", &[0, 1, 2]),
        ];
        assert_eq!(seen, expected);
        assert_eq!(f.outputs, [3]);
        assert!(read("Empty", &[], "", &[]).layers.is_empty());
    }
}
