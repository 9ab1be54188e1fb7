//! Files: parameters in safetensors, and checkpoints of a whole training run.
