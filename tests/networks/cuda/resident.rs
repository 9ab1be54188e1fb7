//! Samples that stay on the GPU.

#[path = "../training/resident.rs"]
mod both;

#[test]
fn training_from_samples_that_stay() {
    both::trains_alike(&super::device::cuda());
}
