//! The result type of every op for every type of its operands, against PyTorch's (`types/torch.txt`), and the
//! expressions that are rejected there.

use std::collections::HashMap;

/// Expressions that PyTorch computes and netform rejects, with the conversion to write.
const REFUSED: &[(&str, &[&str])] = &[
    ("pow(2, x)", &["b", "i"]),
    ("pow(x, y)", &["bi", "ib", "ii"]),
    ("matmul(x, y)", &["ii"]),
    (r#"einsum("ij,ij->i", x, y)"#, &["ii"]),
];

/// The written form of a type.
fn written(t: char) -> &'static str {
    match t {
        'b' => "bool",
        'i' => "i32",
        _ => "",
    }
}

/// The types of results by function, and the messages for rejected functions. No function's result has its declared
/// type, so each is reported.
fn results(functions: &str) -> (HashMap<String, char>, String) {
    let source = format!("struct Net {{}} {functions}");
    let tokens = source.parse().expect("tokens");
    let messages = netform_compiler::expand(tokens).to_string();
    let mut found = HashMap::new();
    for part in messages.split("\"`").skip(1) {
        let Some((name, rest)) = part.split_once("` returns ") else {
            continue;
        };
        let kind = match rest.split('[').next() {
            Some("bool") => 'b',
            Some("") => 'f',
            _ => 'i',
        };
        found.insert(name.to_owned(), kind);
    }
    (found, messages)
}

#[test]
fn results_have_the_types_of_pytorch() {
    let mut wrong = Vec::new();
    // Rows by the types of x and y.
    let mut rows: HashMap<String, Vec<(String, char)>> = HashMap::new();
    for line in include_str!("types/torch.txt").lines() {
        let (expression, types) = line.split_once(" | ").expect("a row");
        let groups: Vec<&str> = types.split(' ').collect();
        for (x, group) in "bif".chars().zip(&groups) {
            for (y, want) in "bif".chars().zip(group.chars()) {
                let pair = match groups.len() {
                    1 => y.to_string(),
                    _ => format!("{x}{y}"),
                };
                rows.entry(pair)
                    .or_default()
                    .push((expression.to_owned(), want));
            }
            if groups.len() == 1 {
                break;
            }
        }
    }
    assert_eq!(rows.len(), 12);
    for (pair, rows) in rows {
        let mut types = pair.chars().map(written);
        let (x, y) = (types.next().unwrap_or(""), types.next().unwrap_or(""));
        let function = |(k, (expression, _)): (usize, &(String, char))| {
            let body = expression
                .replace("MASK", "mask")
                .replace("INDEX", "index")
                .replace("FLOAT", "w");
            format!(
                "#[eval] fn f{k}(x: {x}[2, 2], y: {y}[2, 2], mask: bool[2, 2], index: u32[2, 2], w: [2, 2]) -> bool[7, 7] {{ {body} }}\n"
            )
        };
        let source: String = rows.iter().enumerate().map(function).collect();
        let (found, messages) = results(&source);
        for (k, (expression, want)) in rows.iter().enumerate() {
            let refused = REFUSED
                .iter()
                .any(|(e, pairs)| e == expression && pairs.contains(&pair.as_str()));
            let want = if refused { '-' } else { *want };
            let have = found.get(&format!("f{k}")).copied().unwrap_or('-');
            if have != want {
                wrong.push(format!("{expression} of {pair}: {have}, not {want}"));
            }
        }
        assert!(!messages.contains("panicked"), "{messages}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The tables of the language page: a row's expressions have the types of its cells.
#[test]
fn the_page_tells_the_types() {
    let page = include_str!("../../../docs/language.md");
    let section = page
        .split("## Types")
        .nth(1)
        .and_then(|s| s.split("\n## ").next());
    let mut columns: Vec<(&str, &str)> = Vec::new();
    let mut functions = String::new();
    let mut wanted = Vec::new();
    for line in section.expect("the section").lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[0] {
            "of one value" => columns = vec![("bool", ""), ("i32", ""), ("", "")],
            "of two values" => {
                columns = vec![
                    ("bool", "bool"),
                    ("bool", "i32"),
                    ("i32", "i32"),
                    ("", "i32"),
                ]
            }
            "arguments" => columns.clear(),
            row if row.starts_with('`') && !columns.is_empty() => {
                for expression in row.split("`").filter(|e| !["", ", "].contains(e)) {
                    for ((x, y), cell) in columns.iter().zip(&cells[1..]) {
                        let k = wanted.len();
                        functions += &format!(
                            "#[eval] fn f{k}(x: {x}[2, 2], y: {y}[2, 2], m: bool[2, 2], i: u32[2, 2], w: [2, 2]) -> bool[7, 7] {{ {expression} }}\n"
                        );
                        wanted.push((expression, *x, *y, *cell));
                    }
                }
            }
            _ => {}
        }
    }
    assert!(wanted.len() > 200, "{}", wanted.len());
    let (found, _) = results(&functions);
    for (k, (expression, x, y, cell)) in wanted.into_iter().enumerate() {
        let have = match found.get(&format!("f{k}")) {
            Some('b') => "bool",
            Some('i') => "integer",
            Some(_) => "float",
            None => "refused",
        };
        assert_eq!(have, cell, "{expression} of {x:?} and {y:?}");
    }
}
