//! Places a scene's boxes in columns from left to right, as many as the longest path needs.
//!
//! The steps are those of Sugiyama: columns, then an order in each column that avoids crossings, then heights near
//! those of the neighbours. A wire that passes columns has a point in each of them, which is placed like a small box.

use super::scene::Scene;

/// Distance between the middles of two boxes of a column.
const PITCH: f64 = 62.0;
/// Space around the picture.
const MARGIN: f64 = 24.0;
/// Approximate width of a letter.
const LETTER: f64 = 7.4;
/// Number of rounds of ordering and of moving.
const ROUNDS: usize = 24;

/// A box's middle and size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// The result.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    pub boxes: Vec<Rect>,
    /// For each wire, its points from left to right.
    pub wires: Vec<Vec<(f64, f64)>>,
    pub width: f64,
    pub height: f64,
}

/// Boxes and points of wires, with their columns.
struct Net {
    column: Vec<usize>,
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
    /// For each wire, the vertices along it.
    along: Vec<Vec<usize>>,
}

/// Places a scene.
pub(super) fn place(scene: &Scene) -> Placed {
    let net = net(scene);
    let columns = order(&net);
    let y = heights(&net, &columns);
    let mut boxes: Vec<Rect> = scene
        .boxes
        .iter()
        .map(|b| Rect {
            w: (width(&b.title).max(width(&b.detail) * 0.8) + 20.0).max(36.0),
            h: 36.0,
            ..Rect::default()
        })
        .collect();
    // Columns are as wide as their boxes, gaps as wide as the texts on their wires.
    let mut widths = vec![0.0f64; columns.len()];
    let mut gaps = vec![48.0f64; columns.len()];
    for (b, rect) in boxes.iter().enumerate() {
        widths[net.column[b]] = widths[net.column[b]].max(rect.w);
    }
    for wire in &scene.wires {
        let gap = &mut gaps[net.column[wire.to]];
        *gap = gap.max(width(&wire.above).max(width(&wire.below)) + 28.0);
    }
    let mut middles = Vec::new();
    let mut x = MARGIN;
    for (i, w) in widths.iter().enumerate() {
        x += if i > 0 { gaps[i] } else { 0.0 } + w / 2.0;
        middles.push(x);
        x += w / 2.0;
    }
    let top = y.iter().copied().fold(f64::INFINITY, f64::min);
    let bottom = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shift = MARGIN + 24.0 - if top.is_finite() { top } else { 0.0 };
    for (b, rect) in boxes.iter_mut().enumerate() {
        (rect.x, rect.y) = (middles[net.column[b]], y[b] + shift);
    }
    let wires = wires(scene, &net, &boxes, &middles, &widths, |v| y[v] + shift);
    let height = if bottom.is_finite() {
        bottom + shift
    } else {
        0.0
    };
    Placed {
        boxes,
        wires,
        width: x + MARGIN,
        height: height + MARGIN + 24.0,
    }
}

fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// Columns: a box's column is the length of the longest path to it. Boxes without inputs are next to their first user.
fn net(scene: &Scene) -> Net {
    let n = scene.boxes.len();
    let mut column = vec![0usize; n];
    // Boxes are in an order in which wires lead forward.
    for to in 0..n {
        for wire in scene.wires.iter().filter(|w| w.to == to) {
            column[to] = column[to].max(column[wire.from] + 1);
        }
    }
    for (b, at) in (0..n).map(|b| (b, column[b])).collect::<Vec<_>>() {
        let first = scene
            .wires
            .iter()
            .filter(|w| w.from == b)
            .map(|w| column[w.to])
            .min();
        if at == 0
            && let Some(first) = first
        {
            column[b] = first.saturating_sub(1);
        }
    }
    let mut net = Net {
        column,
        left: vec![Vec::new(); n],
        right: vec![Vec::new(); n],
        along: Vec::new(),
    };
    for wire in &scene.wires {
        let (from, to) = (net.column[wire.from], net.column[wire.to]);
        let mut along = vec![wire.from];
        for column in from + 1..to {
            along.push(net.column.len());
            net.column.push(column);
            net.left.push(Vec::new());
            net.right.push(Vec::new());
        }
        along.push(wire.to);
        for pair in along.windows(2) {
            net.right[pair[0]].push(pair[1]);
            net.left[pair[1]].push(pair[0]);
        }
        net.along.push(along);
    }
    net
}

/// The vertices of each column from top to bottom: sorted by the mean position of their neighbours, alternately from
/// the left and from the right.
fn order(net: &Net) -> Vec<Vec<usize>> {
    let count = net.column.iter().max().map_or(0, |c| c + 1);
    let mut columns = vec![Vec::new(); count];
    for (v, &c) in net.column.iter().enumerate() {
        columns[c].push(v);
    }
    let mut place = vec![0.0; net.column.len()];
    let settle = |column: &[usize], place: &mut [f64]| {
        for (i, &v) in column.iter().enumerate() {
            place[v] = i as f64;
        }
    };
    columns.iter().for_each(|c| settle(c, &mut place));
    for round in 0..ROUNDS {
        let forward = round % 2 == 0;
        for i in 0..count {
            let column = &mut columns[if forward { i } else { count - 1 - i }];
            let near = if forward { &net.left } else { &net.right };
            let key = |v: usize| mean(near[v].iter().map(|&u| place[u])).unwrap_or(place[v]);
            column.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
            settle(column, &mut place);
        }
    }
    columns
}

/// Places each vertex as near the mean height of its neighbours as its column allows.
fn heights(net: &Net, columns: &[Vec<usize>]) -> Vec<f64> {
    let mut y = vec![0.0; net.column.len()];
    for column in columns {
        for (i, &v) in column.iter().enumerate() {
            y[v] = (i as f64 - (column.len() as f64 - 1.0) / 2.0) * PITCH;
        }
    }
    for round in 0..ROUNDS {
        for i in 0..columns.len() {
            let i = if round % 2 == 0 {
                i
            } else {
                columns.len() - 1 - i
            };
            let wanted: Vec<f64> = columns[i]
                .iter()
                .map(|&v| {
                    let near = net.left[v].iter().chain(&net.right[v]);
                    mean(near.map(|&u| y[u])).unwrap_or(y[v])
                })
                .collect();
            let mut floor = f64::NEG_INFINITY;
            let mut offset = 0.0;
            for (&v, want) in columns[i].iter().zip(&wanted) {
                y[v] = want.max(floor);
                floor = y[v] + PITCH;
                offset += y[v] - want;
            }
            let offset = offset / columns[i].len().max(1) as f64;
            columns[i].iter().for_each(|&v| y[v] -= offset);
        }
    }
    y
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// The wires' points: from the middle of a box's right side, straight through each column between, to a separate point
/// on the left side of the other box.
fn wires(
    scene: &Scene,
    net: &Net,
    boxes: &[Rect],
    middles: &[f64],
    widths: &[f64],
    y: impl Fn(usize) -> f64,
) -> Vec<Vec<(f64, f64)>> {
    let before = |i: usize| {
        let along = &net.along[i];
        y(along[along.len().saturating_sub(2)])
    };
    let mut out = Vec::new();
    for (i, wire) in scene.wires.iter().enumerate() {
        let (from, to) = (boxes[wire.from], boxes[wire.to]);
        let mut points = vec![(from.x + from.w / 2.0, from.y)];
        let along = &net.along[i];
        for &v in &along[1..along.len() - 1] {
            let (x, half) = (middles[net.column[v]], widths[net.column[v]] / 2.0);
            points.extend([(x - half, y(v)), (x + half, y(v))]);
        }
        let beside: Vec<usize> = (0..scene.wires.len())
            .filter(|&j| scene.wires[j].to == wire.to)
            .collect();
        let higher = |&&j: &&usize| (before(j), j) < (before(i), i);
        let rank = beside.iter().filter(higher).count() as f64;
        let step = to.h / (beside.len() as f64 + 1.0);
        points.push((to.x - to.w / 2.0, to.y - to.h / 2.0 + (rank + 1.0) * step));
        out.push(points);
    }
    out
}
