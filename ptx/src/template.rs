//! The kernels' texts: PTX files whose variants are expanded by a template engine.
//!
//! In them, lines that begin with `#` are statements (`# for i in range(4)`), `${ x }` is a value, and `##` begins a
//! comment, which is not part of the output.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

include!(concat!(env!("OUT_DIR"), "/sources.rs"));

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
        // The tests check the syntax by rendering each file.
        let _ = env.add_template(name, text);
    }
    env
});

/// A file of `kernels/` with these values. An error in it becomes the text of a directive that no assembler accepts, so
/// that loading the module reports it.
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

/// Removes empty lines.
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

    #[test]
    fn every_file_is_well_formed() {
        assert!(SOURCES.iter().any(|(name, _)| *name == "scalar/exp.ptx"));
        for (name, text) in SOURCES {
            assert!(text.is_ascii(), "{name}");
            assert!(
                ENVIRONMENT.get_template(name).is_ok(),
                "{name} is no template"
            );
        }
    }
}
