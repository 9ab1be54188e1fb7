use netform::prelude::*;

network! {
    struct Net {
        lstm: LSTM(8 -> 16),
        gru: GRU(8 -> 16, num_layers = 2),
        cell: LSTMCell(8 -> 16),
    }
    fn features(x: [B, T, 6]) -> [B, T, 16] {
        let (y, _) = gru(x);
        y
    }
    fn rank(x: [B, T, 4, 8]) -> [B, T, 16] {
        let (y, _) = gru(x);
        y
    }
    fn state(x: [B, T, 8], h: [1, B, 16]) -> [B, T, 16] {
        let (y, _) = gru(x, h);
        y
    }
    fn no_cell(x: [B, T, 8], h: [1, B, 16]) -> [B, T, 16] {
        let (y, _) = lstm(x, h);
        y
    }
    fn lengths(x: [B, T, 8], n: [B]) -> [B, T, 16] {
        let (y, _) = lstm(x, lengths = n);
        y
    }
    fn other_lengths(x: [B, T, 8], n: u32[T]) -> [B, T, 16] {
        let (y, _) = lstm(x, lengths = n);
        y
    }
    fn not_taken_apart(x: [B, T, 8]) -> [B, T, 16] {
        lstm(x)
    }
    fn a_sequence(x: [B, T, 8]) -> [B, 16] {
        let (h, _) = cell(x);
        h
    }
    fn a_batch(x: [B, 8], h: [16], c: [16]) -> [B, 16] {
        let (h, _) = cell(x, (h, c));
        h
    }
    fn mean(x: [B, T, 8], n: u32[B, T]) -> [B, 8] {
        sequence_mean(x, n)
    }
}

network! {
    struct Declared {
        layers: GRU(8 -> 16, num_layers = 0),
        dropped: LSTM(8 -> 16, dropout = 0.5),
        projected: LSTM(8 -> 16, proj_size = 16),
        unknown: RNN(8 -> 16, nonlinearity = "sigmoid"),
        size: GRU(16),
        misspelt: GRU(8 -> 16, num_layer = 2),
    }
}

fn main() {}
