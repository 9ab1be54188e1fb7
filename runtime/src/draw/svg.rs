//! A scene as an SVG picture.

use std::fmt::Write;

use super::layout::{Placed, place};
use super::scene::{Scene, Style};

/// The whole document.
pub(super) fn write(scene: &Scene) -> String {
    let placed = place(scene);
    let (w, h) = (placed.width, placed.height);
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"0 0 {w:.0} {h:.0}\" font-family=\"sans-serif\" font-size=\"13\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(&scene.title));
    out.push_str("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    out.push_str("<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 Z\" fill=\"#555\"/></marker></defs>\n");
    wires(scene, &placed, &mut out);
    boxes(scene, &placed, &mut out);
    labels(scene, &placed, &mut out);
    out.push_str("</svg>\n");
    out
}

fn wires(scene: &Scene, placed: &Placed, out: &mut String) {
    for path in placed.wires.iter().take(scene.wires.len()) {
        let mut d = String::new();
        for (i, pair) in path.windows(2).enumerate() {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            if i == 0 {
                let _ = write!(d, "M{x0:.1} {y0:.1}");
            }
            let middle = (x0 + x1) / 2.0;
            let _ = write!(
                d,
                " C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}"
            );
        }
        let _ = writeln!(
            out,
            "<path d=\"{d}\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#head)\"/>"
        );
    }
}

fn boxes(scene: &Scene, placed: &Placed, out: &mut String) {
    for (b, at) in scene.boxes.iter().zip(&placed.boxes) {
        let (fill, stroke, round) = match b.style {
            Style::Input => ("#dbeafe", "#1d4ed8", at.h / 2.0),
            Style::Param => ("#dcfce7", "#15803d", 3.0),
            Style::Op => ("#f5f5f4", "#44403c", 9.0),
            Style::Result => ("none", "none", 0.0),
        };
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round:.1}\" fill=\"{fill}\" stroke=\"{stroke}\"/>",
            at.x - at.w / 2.0,
            at.y - at.h / 2.0,
            at.w,
            at.h
        );
        let lift = if b.detail.is_empty() { 4.5 } else { -1.5 };
        text(out, at.x, at.y + lift, "#111", 13, &b.title);
        if !b.detail.is_empty() {
            text(out, at.x, at.y + 12.0, "#666", 10, &b.detail);
        }
    }
}

fn labels(scene: &Scene, placed: &Placed, out: &mut String) {
    for (wire, path) in scene.wires.iter().zip(&placed.wires) {
        // On the last segment, which no other wire shares.
        let [.., (x0, y0), (x1, y1)] = path[..] else {
            continue;
        };
        let (x, y) = ((x0 + x1) / 2.0, (y0 + y1) / 2.0);
        if !wire.above.is_empty() {
            text(out, x, y - 4.0, "#166534", 12, &wire.above);
        }
        if !wire.below.is_empty() {
            text(out, x, y + 14.0, "#b91c1c", 12, &wire.below);
        }
    }
}

/// Centred text, with a white outline so that it is readable over wires.
fn text(out: &mut String, x: f64, y: f64, fill: &str, size: u32, content: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"middle\" fill=\"{fill}\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
        escaped(content)
    );
}

/// Escaped text: XML must not read it as markup, and control characters, which XML forbids, become `?`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
