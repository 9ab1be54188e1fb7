//! The places of inputs and outputs of a graph that are outside the workspace.

/// The placement of a graph's values.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// Outputs (by index) that are gradients, with their parameter.
    pub grads: Vec<(usize, usize)>,
    /// Outputs that are the next values of buffers, with their parameter's number. They are written after all other
    /// steps.
    pub buffers: Vec<(usize, usize)>,
    /// Inputs that are kept from call to call, with their index among the kept values.
    pub states: Vec<(usize, usize)>,
    /// Outputs that replace these, with the same index.
    pub kept: Vec<(usize, usize)>,
}

impl Placement {
    /// Only gradients.
    pub fn of_gradients(grads: &[(usize, usize)]) -> Placement {
        Placement {
            grads: grads.to_vec(),
            ..Placement::default()
        }
    }

    /// Whether an output is not a result of the function.
    pub fn has(&self, output: usize) -> bool {
        let all = [&self.grads, &self.buffers, &self.kept];
        all.into_iter().flatten().any(|(o, _)| *o == output)
    }

    /// The parameter whose gradient an output is.
    pub fn gradient(&self, output: usize) -> Option<usize> {
        let found = self.grads.iter().find(|(o, _)| *o == output);
        found.map(|(_, param)| *param)
    }

    /// The index of an input among the kept values.
    pub fn state(&self, input: usize) -> Option<usize> {
        let found = self.states.iter().find(|(i, _)| *i == input);
        found.map(|(_, entry)| *entry)
    }
}
