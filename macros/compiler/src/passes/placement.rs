//! Where some inputs and outputs of a graph lie: outside of the workspace.

/// The placement of a graph's values.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// Outputs (by index) that are gradients, with their parameter.
    pub grads: Vec<(usize, usize)>,
    /// Outputs that are the next values of buffers, with their parameter's number. They are written
    /// when all else is done.
    pub buffers: Vec<(usize, usize)>,
    /// Inputs that are kept from call to call, with their place among what is kept.
    pub states: Vec<(usize, usize)>,
    /// Outputs that replace these, with the same place.
    pub kept: Vec<(usize, usize)>,
}

impl Placement {
    /// Gradients alone.
    pub fn of_gradients(grads: &[(usize, usize)]) -> Placement {
        Placement {
            grads: grads.to_vec(),
            ..Placement::default()
        }
    }

    /// Whether an output is no result of the function.
    pub fn has(&self, output: usize) -> bool {
        let all = [&self.grads, &self.buffers, &self.kept];
        all.into_iter().flatten().any(|(o, _)| *o == output)
    }

    /// The parameter whose gradient an output is.
    pub fn gradient(&self, output: usize) -> Option<usize> {
        let found = self.grads.iter().find(|(o, _)| *o == output);
        found.map(|(_, param)| *param)
    }

    /// The place of an input among what is kept.
    pub fn state(&self, input: usize) -> Option<usize> {
        let found = self.states.iter().find(|(i, _)| *i == input);
        found.map(|(_, entry)| *entry)
    }
}
