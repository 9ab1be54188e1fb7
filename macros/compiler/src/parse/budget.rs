//! `#[memory(max = "64 KiB")]`: the most bytes of a function's workspace.

use crate::ast::Budget;
use syn::{Attribute, LitStr};

/// Units: powers of 1000 and of 1024.
const UNITS: [(&str, f64); 7] = [
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// Reads the budget.
pub fn read(attr: &Attribute) -> syn::Result<Budget> {
    let mut max = None;
    let unsaid = || {
        let text = "`#[memory]` needs `max`\nhelp: write `#[memory(max = \"64 KiB\")]`";
        syn::Error::new_spanned(attr.path(), text)
    };
    attr.meta.require_list().map_err(|_| unsaid())?;
    attr.parse_nested_meta(|meta| {
        if !meta.path.is_ident("max") {
            let name = meta.path.get_ident().map(ToString::to_string);
            let text = format!(
                "`#[memory]` has no argument `{}`, only `max`\nhelp: write `#[memory(max = \"64 KiB\")]`",
                name.unwrap_or_default()
            );
            return Err(meta.error(text));
        }
        if max.is_some() {
            return Err(meta.error("`max` of `#[memory]` is given twice"));
        }
        max = Some(meta.value()?.parse::<LitStr>()?);
        Ok(())
    })?;
    let Some(max) = max else {
        return Err(unsaid());
    };
    let text = max.value();
    let Some(bytes) = bytes(&text) else {
        let units: Vec<String> = UNITS.iter().map(|u| format!("`{}`", u.0)).collect();
        let why = format!(
            "`{text}` is not an amount of memory\nhelp: write a number and a unit, such as \"1.5 MiB\"\nnote: units are {}",
            units.join(", ")
        );
        return Err(syn::Error::new(max.span(), why));
    };
    Ok(Budget {
        max: bytes,
        span: max.span(),
        text,
    })
}

/// `1.5 MiB`: whole bytes, rounded down.
fn bytes(text: &str) -> Option<u64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().replace('_', "").parse().ok()?;
    let (_, size) = UNITS.iter().find(|u| u.0 == unit.trim())?;
    let bytes = number * size;
    (bytes.is_finite() && (0.0..1e18).contains(&bytes)).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn amounts() {
        assert_eq!(bytes("64 KiB"), Some(65536));
        assert_eq!(bytes("1.5MB"), Some(1_500_000));
        assert_eq!(bytes("7 B"), Some(7));
        assert_eq!(bytes("1_000 KB"), Some(1_000_000));
        for wrong in [
            "",
            "64",
            "KiB",
            "64 kib",
            "-1 KB",
            "1e400 B",
            "64 KiB or so",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
