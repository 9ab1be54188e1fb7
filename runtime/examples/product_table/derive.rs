//! The classes: samples in, a short ordered list of (rows, columns, multiplications, way) out.
//!
//! It starts with one class of all shapes, inserts the class that lowers the mean ratio to the best the most, again and
//! again, and removes those that turn out to lower it little.

use netform_runtime::__private::device::Product;
use netform_runtime::__private::products::Way;

use super::measure::Sample;

/// Most classes of a list.
const MOST: usize = 6;
/// A class must lower the mean logarithm of the ratios by so much: less may be noise.
const WORTH: f64 = 0.005;
/// What a shape of the workloads counts for.
const WEIGHT: f64 = 5.0;
/// No bound.
pub(crate) const ANY: usize = usize::MAX;

/// At most so many rows, columns and multiplications, and the number of a way.
pub(crate) type Class = (usize, usize, usize, usize);

/// The mean logarithm of how many times the best's time a list's ways take. The workloads' shapes weigh more.
fn loss(classes: &[Class], samples: &[Sample]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for sample in samples {
        let Product { m, n, k, .. } = sample.size;
        let work = m * n * k;
        let holds = |class: &&Class| m <= class.0 && n <= class.1 && work <= class.2;
        let way = classes.iter().find(holds).map(|class| class.3);
        let weight = if sample.workload { WEIGHT } else { 1.0 };
        sum += weight * way.map_or(f64::INFINITY, |way| sample.ratio(way).ln());
        weights += weight;
    }
    sum / weights
}

/// The list for these samples.
pub(crate) fn derive(ways: &[Way], samples: &[Sample]) -> Vec<Class> {
    let least = |lists: Vec<Vec<Class>>| {
        let with_loss = lists.into_iter().map(|list| (loss(&list, samples), list));
        with_loss.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    // The last class is also for products that cannot go row by row.
    let all = (0..ways.len()).filter(|&way| ways[way] != Way::Rows);
    let Some((mut before, mut list)) = least(all.map(|way| vec![(ANY, ANY, ANY, way)]).collect())
    else {
        return Vec::new();
    };
    // Two classes may pay together where one alone does not: so the list grows first, and is pruned then.
    while list.len() < MOST {
        match least(longer(&list, ways.len())) {
            Some((loss, longer)) if loss < before => (before, list) = (loss, longer),
            _ => break,
        }
    }
    while let Some((loss, shorter)) = least(shorter(&list)) {
        if loss > before + WORTH {
            break;
        }
        (before, list) = (loss, shorter);
    }
    list
}

/// A list without one of its classes; the last stays.
fn shorter(list: &[Class]) -> Vec<Vec<Class>> {
    let without = |at| {
        let mut shorter = list.to_vec();
        shorter.remove(at);
        shorter
    };
    (0..list.len() - 1).map(without).collect()
}

/// A list with one class more, for all bounds and ways.
fn longer(list: &[Class], ways: usize) -> Vec<Vec<Class>> {
    // Large bounds first: they win where no shape lies between two.
    let rows = [ANY, 64, 16, 8, 4, 2, 1];
    let columns = [ANY, 64, 16, 4, 1];
    let work = [ANY].into_iter().chain((5..24).rev().map(|bits| 1 << bits));
    let mut lists = Vec::new();
    for work in work {
        for (rows, columns) in rows.into_iter().flat_map(|m| columns.map(|n| (m, n))) {
            for (way, at) in (0..ways).flat_map(|way| (0..list.len()).map(move |at| (way, at))) {
                let mut longer = list.to_vec();
                longer.insert(at, (rows, columns, work, way));
                lists.push(longer);
            }
        }
    }
    lists
}
