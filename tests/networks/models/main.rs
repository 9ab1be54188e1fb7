//! Well-known architectures, declared in `examples/models`: their state dicts have the names and shapes of torchvision
//! and of Hugging Face's transformers, and each learns a batch at a small width.

use netform::Tensor;
use netform::draw::Graph;
use netform::prelude::*;

mod models;

/// The names and shapes at full width, from constants: nothing is allocated.
fn entries(graph: &Graph) -> Vec<String> {
    let mut entries = Vec::new();
    for param in graph.layers.iter().flat_map(|layer| layer.params) {
        for mut element in 0..param.stack.iter().product() {
            let mut index = Vec::new();
            for size in param.stack.iter().rev() {
                index.push(element % size);
                element /= size;
            }
            let mut name = param.name.to_owned();
            while let Some(i) = index.pop() {
                name = name.replacen("{}", &i.to_string(), 1);
            }
            entries.push(format!("{name} {:?}", param.shape));
        }
    }
    entries.sort();
    entries
}

/// `shared` are names of parameters that another name holds: the graph lists them only there.
fn same_entries(graph: &Graph, shared: &[&str], expected: &str) {
    let mut found = entries(graph);
    found.extend(shared.iter().map(|&s| s.to_owned()));
    found.sort();
    let expected: Vec<&str> = expected.lines().collect();
    let missing: Vec<_> = expected
        .iter()
        .filter(|e| !found.iter().any(|f| f == **e))
        .collect();
    let unexpected: Vec<_> = found
        .iter()
        .filter(|f| !expected.contains(&f.as_str()))
        .collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "missing: {missing:#?}\nunexpected: {unexpected:#?}"
    );
    assert_eq!(found.len(), expected.len());
}

/// Numbers that look random, in [-1, 1): the same as in `outputs.py`.
fn numbers(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_vec(shape, values).expect("the sizes fit")
}

/// Tokens below `end`.
fn tokens(shape: &[usize], end: u32) -> Tensor {
    let values = numbers(shape, 1).to_f64_vec().into_iter();
    let values: Vec<u32> = values
        .map(|v| ((v + 1.0) / 2.0 * f64::from(end)) as u32)
        .collect();
    Tensor::from_vec(shape, values).expect("the sizes fit")
}

/// Gives a network the weights of `outputs.py`.
fn fill<N: Network>(net: &mut N) -> netform::Result<()> {
    let all = net.parameters().chain(net.buffers());
    let mut all: Vec<_> = all.map(|p| (p.name(), p.shape())).collect();
    all.retain(|(name, _)| !name.ends_with("num_batches_tracked"));
    all.sort_unstable();
    for ((name, shape), seed) in all.into_iter().zip(1..) {
        let (scale, shift) = match shape {
            [_, inputs @ ..] if !inputs.is_empty() => {
                (2.0 / (inputs.iter().product::<usize>() as f64).sqrt(), 0.0)
            }
            _ if name.ends_with("weight") || name.ends_with("running_var") => (0.5, 1.0),
            _ => (0.1, 0.0),
        };
        let values = numbers(shape, seed).to_f64_vec();
        let values: Vec<f64> = values.into_iter().map(|v| shift + scale * v).collect();
        net.set_parameter(name, &Tensor::from_vec(shape, values)?)?;
    }
    Ok(())
}

/// `found` is what PyTorch computed.
fn same_output(model: &str, found: &[f64]) {
    let mut lines = include_str!("outputs.txt")
        .lines()
        .map(|line| line.split(' '));
    let line = lines.find_map(|mut line| (line.next() == Some(model)).then_some(line));
    let expected: Vec<f64> = line
        .expect("a line")
        .map(|v| v.parse().expect("a number"))
        .collect();
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() < 1e-9,
            "{model}, number {i}: {found} and not {expected}"
        );
    }
}

/// Twenty steps on one batch lower the loss.
fn learns(mut step: impl FnMut() -> netform::Result<f64>) -> netform::Result<()> {
    let first = step()?;
    let mut last = first;
    for _ in 0..19 {
        last = step()?;
    }
    assert!(last < 0.9 * first, "from {first} to {last}");
    Ok(())
}

mod resnet18 {
    use super::*;
    use crate::models::resnet18::ResNet18;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(&<ResNet18>::graph(), &[], include_str!("resnet18.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = ResNet18::<4, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let images = numbers(&[2, 3, 32, 32], 1);
        fill(&mut net)?;
        same_output("resnet18", &net.forward(&images)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}

mod resnet50 {
    use super::*;
    use crate::models::resnet50::ResNet50;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(&<ResNet50>::graph(), &[], include_str!("resnet50.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = ResNet50::<2, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let images = numbers(&[2, 3, 32, 32], 1);
        fill(&mut net)?;
        same_output("resnet50", &net.forward(&images)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}

mod vgg16 {
    use super::*;
    use crate::models::vgg16::Vgg16;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(&<Vgg16>::graph(), &[], include_str!("vgg16.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = Vgg16::<4, 256, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(1e-3);
        let images = numbers(&[2, 3, 32, 32], 1);
        fill(&mut net)?;
        same_output("vgg16", &net.forward(&images)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}

mod mobilenet_v2 {
    use super::*;
    use crate::models::mobilenet_v2::MobileNetV2;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(
            &<MobileNetV2>::graph(),
            &[],
            include_str!("mobilenet_v2.txt"),
        );
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = MobileNetV2::<1, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let images = numbers(&[2, 3, 32, 32], 1);
        fill(&mut net)?;
        same_output(
            "mobilenet_v2",
            &net.forward(&images)?.to_tensor().to_f64_vec(),
        );
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}

mod gpt2 {
    use super::*;
    use crate::models::gpt2::Gpt2;

    #[test]
    fn names_are_those_of_transformers() {
        same_entries(
            &<Gpt2>::graph(),
            &["lm_head.weight [50257, 768]"],
            include_str!("gpt2.txt"),
        );
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = Gpt2::<8, 2, 2, 50, 16, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let words = tokens(&[2, 9], 50);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/gpt2.safetensors");
        net.load(path)?;
        assert_eq!(
            net.parameter("lm_head.weight")?,
            net.parameter("transformer.wte.weight")?
        );
        same_output("gpt2", &net.forward(&words)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &words)?.item())
    }
}

mod bert {
    use super::*;
    use crate::models::bert::Bert;

    #[test]
    fn names_are_those_of_transformers() {
        same_entries(&<Bert>::graph(), &[], include_str!("bert.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = Bert::<8, 2, 2, 32, 50, 16, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let (words, segments) = (tokens(&[2, 8], 50), tokens(&[2, 8], 2));
        let mask = Tensor::from_vec([2, 8], (0..16).map(|i| i != 15).collect::<Vec<bool>>())?;
        fill(&mut net)?;
        let (each, all) = net.forward(&words, &segments, &mask)?;
        let found = [each.to_tensor().to_f64_vec(), all.to_tensor().to_f64_vec()].concat();
        same_output("bert", &found);
        let (each, all) = (numbers(&[2, 8, 8], 1), numbers(&[2, 8], 1));
        learns(|| {
            net.loss_step(&mut adam, &words, &segments, &mask, &each, &all)?
                .item()
        })
    }
}

mod vit_b_16 {
    use super::*;
    use crate::models::vit_b_16::VitB16;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(&<VitB16>::graph(), &[], include_str!("vit_b_16.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = VitB16::<8, 2, 4, 4, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let images = numbers(&[2, 3, 16, 16], 1);
        fill(&mut net)?;
        same_output("vit_b_16", &net.forward(&images)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}

mod llama {
    use super::*;
    use crate::models::llama::Llama;

    #[test]
    fn names_are_those_of_transformers() {
        same_entries(&<Llama>::graph(), &[], include_str!("llama.txt"));
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = Llama::<16, 4, 2, 24, 2, 50, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let words = tokens(&[2, 9], 50);
        fill(&mut net)?;
        same_output("llama", &net.forward(&words)?.to_tensor().to_f64_vec());
        learns(|| net.loss_step(&mut adam, &words)?.item())
    }
}

/// It takes half of the time of all others to compile: `--features full`.
#[cfg(feature = "full")]
mod densenet121 {
    use super::*;
    use crate::models::densenet121::DenseNet121;

    #[test]
    fn names_are_those_of_torchvision() {
        same_entries(
            &<DenseNet121>::graph(),
            &[],
            include_str!("densenet121.txt"),
        );
    }

    #[test]
    fn a_small_one_computes_the_same_and_learns() -> netform::Result<()> {
        let mut net = DenseNet121::<4, 5, _>::new(Cpu::f64(), 1)?;
        let mut adam = Adam::new(5e-3);
        let images = numbers(&[2, 3, 32, 32], 1);
        fill(&mut net)?;
        same_output(
            "densenet121",
            &net.forward(&images)?.to_tensor().to_f64_vec(),
        );
        learns(|| net.loss_step(&mut adam, &images, &[0u32, 4])?.item())
    }
}
