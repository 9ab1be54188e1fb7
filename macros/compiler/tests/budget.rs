//! `#[memory(max = ..)]` is exact: the number of bytes in the message is enough, and one byte less is not.

use netform_compiler::expand;

fn reported(max: &str) -> Option<String> {
    let source = format!(
        "struct Net {{ up: Linear(5 -> 7), down: Linear(7 -> 3) }}
        #[memory(max = \"{max}\")]
        fn loss(x: [9, 5], y: u32[9]) -> [] {{ cross_entropy(down(gelu(up(x))), y) }}"
    );
    let out = expand(source.parse().unwrap()).to_string();
    let at = out.find("compile_error")?;
    Some(out[at..].to_owned())
}

#[test]
fn a_budget_is_exact() {
    let message = reported("1 B").unwrap();
    let needed: Vec<u64> = message
        .match_indices(" needs ")
        .map(|(at, _)| {
            let number = message[at + 7..].split(" bytes").next().unwrap();
            number.replace(',', "").parse().unwrap()
        })
        .collect();
    // Inference and backward separately.
    assert_eq!(needed.len(), 2, "{message}");
    let most = *needed.iter().max().unwrap();
    assert!(reported(&format!("{most} B")).is_none());
    assert!(reported(&format!("{} B", most - 1)).is_some());
}
