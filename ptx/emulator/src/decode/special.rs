//! Special registers by name.

use crate::program::Special;

/// A special register: constant during a block, or a clock.
pub(super) enum Named {
    Fixed(Special),
    Clock { wide: bool },
}

pub(super) fn named(name: &str) -> Option<Named> {
    if let Some((register, axis)) = name.rsplit_once('.') {
        let axis = match axis {
            "x" => 0,
            "y" => 1,
            "z" => 2,
            _ => return None,
        };
        return Some(Named::Fixed(match register {
            "%tid" => Special::Thread(axis),
            "%ntid" => Special::BlockSize(axis),
            "%ctaid" => Special::Block(axis),
            "%nctaid" => Special::GridSize(axis),
            // Without clusters, each block is a cluster.
            "%cluster_ctaid" => Special::Zero,
            "%cluster_nctaid" => Special::One,
            "%clusterid" => Special::Block(axis),
            "%nclusterid" => Special::GridSize(axis),
            _ => return None,
        }));
    }
    Some(match name {
        "%clock" | "%clock_hi" | "%globaltimer_lo" | "%globaltimer_hi" => {
            Named::Clock { wide: false }
        }
        "%clock64" | "%globaltimer" => Named::Clock { wide: true },
        _ => Named::Fixed(match name {
            "%laneid" => Special::Lane,
            "%warpid" => Special::Warp,
            "%nwarpid" => Special::Warps,
            "%lanemask_eq" => Special::MaskEqual,
            "%lanemask_lt" => Special::MaskBelow,
            "%lanemask_le" => Special::MaskUpTo,
            "%lanemask_ge" => Special::MaskFrom,
            "%lanemask_gt" => Special::MaskAbove,
            "%dynamic_smem_size" => Special::DynamicShared,
            "%total_smem_size" => Special::TotalShared,
            "%smid" | "%gridid" | "%cluster_ctarank" => Special::Zero,
            "%nsmid" | "%cluster_nctarank" => Special::One,
            _ => return None,
        }),
    })
}
