//! The kernels' texts: PTX files whose variants are spelt out by a template engine.
//!
//! In them, lines that open with `#` are statements (`# for i in range(4)`), `${ x }` is a value,
//! and `##` opens a comment that does not reach the output.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

macro_rules! sources {
    ($($name:literal)*) => {
        /// Name and text of each file in `kernels/`.
        const SOURCES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../kernels/", $name)))),*];
    };
}

sources! {
    "advance.ptx"
    "arg_reduce.ptx"
    "attention.ptx"
    "attention_grad.ptx"
    "bucket.ptx"
    "common.ptx"
    "convolution.ptx"
    "copy.ptx"
    "correlation.ptx"
    "cumsum.ptx"
    "dropout.ptx"
    "few_channels.ptx"
    "fill.ptx"
    "gather_grad.ptx"
    "geometry.ptx"
    "integer_lines.ptx"
    "integers.ptx"
    "map.ptx"
    "mean.ptx"
    "mean_of_parts.ptx"
    "philox.ptx"
    "product.ptx"
    "put.ptx"
    "random.ptx"
    "reduce.ptx"
    "scores.ptx"
    "skinny.ptx"
    "softmax.ptx"
    "starts.ptx"
    "take.ptx"
    "take_grad.ptx"
    "tensor.ptx"
    "turn.ptx"
    "window.ptx"
    "verdict.ptx"
    "scalar/basic.ptx"
    "scalar/exp.ptx"
    "scalar/log.ptx"
    "scalar/pow.ptx"
    "scalar/trig.ptx"
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    let syntax = SyntaxConfig::builder()
        .block_delimiters("/*%", "%*/")
        .variable_delimiters("${", "}")
        .comment_delimiters("/*#", "#*/")
        .line_statement_prefix("#")
        .line_comment_prefix("##")
        .build();
    if let Ok(syntax) = syntax {
        env.set_syntax(syntax);
    }
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.add_filter("replace", minijinja::filters::replace);
    env.add_function("range", minijinja::functions::range);
    for (name, text) in SOURCES {
        // Their syntax is checked by the tests, which render each.
        let _ = env.add_template(name, text);
    }
    env
});

/// A file of `kernels/` with these values; an error in it becomes the text of a directive that no
/// assembler takes, so that it surfaces where the module is loaded.
pub(crate) fn render(name: &str, values: Value) -> String {
    let text = ENVIRONMENT
        .get_template(name)
        .and_then(|t| t.render(values));
    tidy(text.unwrap_or_else(|e| format!(".error {name}: {e:#}")))
}

/// A text that uses the files of `kernels/`.
pub(crate) fn render_text(text: &str) -> String {
    let rendered = ENVIRONMENT.render_str(text, Value::UNDEFINED);
    rendered.unwrap_or_else(|e| format!(".error {e:#}"))
}

/// Without empty lines.
fn tidy(text: String) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{ENVIRONMENT, SOURCES};
    use std::path::Path;

    fn files(dir: &Path, under: &str, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let name = format!("{under}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                files(&entry.path(), &format!("{name}/"), all);
            } else {
                all.push(name);
            }
        }
    }

    #[test]
    fn every_file_is_known_and_well_formed() {
        let mut all = Vec::new();
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels");
        files(&dir, "", &mut all);
        all.sort();
        let mut known: Vec<_> = SOURCES.iter().map(|s| s.0).collect();
        known.sort_unstable();
        assert_eq!(all, known);
        for (name, text) in SOURCES {
            assert!(text.is_ascii(), "{name}");
            assert!(
                ENVIRONMENT.get_template(name).is_ok(),
                "{name} is no template"
            );
        }
    }
}
