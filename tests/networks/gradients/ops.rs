//! Every op's gradient against finite differences in f64, on ordinary and awkward shapes: sizes of 1, no rows at all,
//! odd sizes, more than one pack of lanes. With the feature `cuda`, the GPU must compute the same values and gradients.

use netform_networks::family;

family! {
    smooth_functions in (-2.0, 2.0);
    f_exp f_exp_vjp (x: [M, N]) -> [M, N] { x.exp() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_sin f_sin_vjp (x: [M, N]) -> [M, N] { x.sin() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_cos f_cos_vjp (x: [M, N]) -> [M, N] { x.cos() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_tanh f_tanh_vjp (x: [M, N]) -> [M, N] { x.tanh() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_sigmoid f_sigmoid_vjp (x: [M, N]) -> [M, N] { x.sigmoid() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_silu f_silu_vjp (x: [M, N]) -> [M, N] { x.silu() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_gelu f_gelu_vjp (x: [M, N]) -> [M, N] { x.gelu() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_glu f_glu_vjp (x: [M, N]) -> [M, N / 2] { x.glu() } at [&[3, 4][..]], [&[1, 2][..]], [&[5, 34][..]];
    f_glu_0 f_glu_0_vjp (x: [M, N]) -> [M / 2, N] { x.glu(dim = 0) } at [&[4, 3][..]], [&[2, 17][..]];
    f_erf f_erf_vjp (x: [M, N]) -> [M, N] { x.erf() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_erfc f_erfc_vjp (x: [M, N]) -> [M, N] { x.erfc() } at [&[3, 4][..]], [&[1, 5][..]], [&[2, 17][..]];
    f_expm1 f_expm1_vjp (x: [M, N]) -> [M, N] { x.expm1() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_softplus f_softplus_vjp (x: [M, N]) -> [M, N] { x.softplus() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_square f_square_vjp (x: [M, N]) -> [M, N] { x.square() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_neg f_neg_vjp (x: [M, N]) -> [M, N] { x.neg() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_mish f_mish_vjp (x: [M, N]) -> [M, N] { x.mish() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_logsigmoid f_logsigmoid_vjp (x: [M, N]) -> [M, N] { x.logsigmoid() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_sinh f_sinh_vjp (x: [M, N]) -> [M, N] { x.sinh() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_cosh f_cosh_vjp (x: [M, N]) -> [M, N] { x.cosh() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_exp2 f_exp2_vjp (x: [M, N]) -> [M, N] { x.exp2() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_elu f_elu_vjp (x: [M, N]) -> [M, N] { x.elu() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_celu f_celu_vjp (x: [M, N]) -> [M, N] { x.celu() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_selu f_selu_vjp (x: [M, N]) -> [M, N] { x.selu() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_softsign f_softsign_vjp (x: [M, N]) -> [M, N] { x.softsign() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_tanhshrink f_tanhshrink_vjp (x: [M, N]) -> [M, N] { x.tanhshrink() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_hardsigmoid f_hardsigmoid_vjp (x: [M, N]) -> [M, N] { x.hardsigmoid() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_gelu_tanh f_gelu_tanh_vjp (x: [M, N]) -> [M, N] { x.gelu(approximate = "tanh") } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_softplus_beta f_softplus_beta_vjp (x: [M, N]) -> [M, N] { softplus(x, beta = 2.0) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_elu_alpha f_elu_alpha_vjp (x: [M, N]) -> [M, N] { elu(x, alpha = 0.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_tan f_tan_vjp (x: [M, N]) -> [M, N] { tan(x * 0.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_cube f_cube_vjp (x: [M, N]) -> [M, N] { pow(x, 3) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_lerp f_lerp_vjp (x: [M, N]) -> [M, N] { lerp(x, x * x, 0.25) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_dropout_free f_dropout_free_vjp (x: [M, N]) -> [M, N] { dropout(x, p = 0.0) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_detach f_detach_vjp (x: [M, N]) -> [M, N] { x.detach() + x * 0.0 - x.detach() + x } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
}

family! {
    functions_of_positive_numbers in (0.3, 3.0);
    f_log f_log_vjp (x: [M, N]) -> [M, N] { x.log() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_sqrt f_sqrt_vjp (x: [M, N]) -> [M, N] { x.sqrt() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_rsqrt f_rsqrt_vjp (x: [M, N]) -> [M, N] { x.rsqrt() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_reciprocal f_reciprocal_vjp (x: [M, N]) -> [M, N] { x.reciprocal() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_log1p f_log1p_vjp (x: [M, N]) -> [M, N] { x.log1p() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_log2 f_log2_vjp (x: [M, N]) -> [M, N] { x.log2() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_log10 f_log10_vjp (x: [M, N]) -> [M, N] { x.log10() } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_pow_half f_pow_half_vjp (x: [M, N]) -> [M, N] { pow(x, 0.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_pow_frac f_pow_frac_vjp (x: [M, N]) -> [M, N] { pow(x, -1.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_pow_inverse f_pow_inverse_vjp (x: [M, N]) -> [M, N] { pow(x, -1) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_pow f_pow_vjp (x: [M, N], y: [N]) -> [M, N] { pow(x, y) } at [&[3, 4][..], &[4][..]], [&[1, 1][..], &[1][..]], [&[5, 17][..], &[17][..]];
}

family! {
    functions_with_kinks in (0.05, 0.45);
    f_relu f_relu_vjp (x: [M, N]) -> [M, N] { relu(x) - relu(-x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_abs f_abs_vjp (x: [M, N]) -> [M, N] { abs(-x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_leaky_relu f_leaky_relu_vjp (x: [M, N]) -> [M, N] { leaky_relu(-x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_relu6 f_relu6_vjp (x: [M, N]) -> [M, N] { relu6(x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_hardtanh f_hardtanh_vjp (x: [M, N]) -> [M, N] { hardtanh(x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_hardswish f_hardswish_vjp (x: [M, N]) -> [M, N] { hardswish(x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_clamp f_clamp_vjp (x: [M, N]) -> [M, N] { clamp(x, min = -0.5, max = 0.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_clamp_low f_clamp_low_vjp (x: [M, N]) -> [M, N] { clamp(x, min = 0.5) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_where f_where_vjp (x: [M, N]) -> [M, N] { where(x > 0.01, x * x, x) } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_masked_fill f_masked_fill_vjp (x: [M, N]) -> [M, N] { masked_fill(x, x > 0.01, 3.0) + x } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_sign f_sign_vjp (x: [M, N]) -> [M, N] { sign(x) * x } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
    f_floor f_floor_vjp (x: [M, N]) -> [M, N] { floor(x) + ceil(x) + round(x) + x } at [&[3, 4][..]], [&[1, 5][..]], [&[7, 3][..]], [&[1, 1][..]], [&[2, 17][..]];
}

family! {
    functions_of_two in (0.5, 2.0);
    f_add f_add_vjp (x: [M, N], y: [M, N]) -> [M, N] { x + y } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_sub f_sub_vjp (x: [M, N], y: [M, N]) -> [M, N] { x - y } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_mul f_mul_vjp (x: [M, N], y: [M, N]) -> [M, N] { x * y } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_div f_div_vjp (x: [M, N], y: [M, N]) -> [M, N] { x / y } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_maximum f_maximum_vjp (x: [M, N], y: [M, N]) -> [M, N] { maximum(x, y) } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_minimum f_minimum_vjp (x: [M, N], y: [M, N]) -> [M, N] { minimum(x, y) } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]], [&[7, 17][..], &[7, 17][..]];
    f_row f_row_vjp (x: [M, N], y: [N]) -> [M, N] { x * y + y } at [&[3, 4][..], &[4][..]], [&[1, 1][..], &[1][..]], [&[5, 17][..], &[17][..]];
    f_column f_column_vjp (x: [M, N], y: [M, 1]) -> [M, N] { x / y } at [&[3, 4][..], &[3, 1][..]], [&[1, 7][..], &[1, 1][..]];
    f_scalar f_scalar_vjp (x: [M, N], y: []) -> [M, N] { x * y - y } at [&[3, 4][..], &[][..]], [&[1, 1][..], &[][..]];
    f_both f_both_vjp (x: [M, 1, N], y: [K, 1]) -> [M, K, N] { x * y } at [&[2, 1, 4][..], &[3, 1][..]], [&[1, 1, 1][..], &[1, 1][..]];
}

family! {
    reductions in (-1.0, 1.0);
    f_sum f_sum_vjp (x: [M, N, K]) -> [1] { sum(x).reshape([1]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_sum_0 f_sum_0_vjp (x: [M, N, K]) -> [N, K] { sum(x, dim = 0) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_sum_1 f_sum_1_vjp (x: [M, N, K]) -> [M, K] { sum(x, dim = 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_sum_last f_sum_last_vjp (x: [M, N, K]) -> [M, N, 1] { sum(x, dim = -1, keepdim = true) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_sum_02 f_sum_02_vjp (x: [M, N, K]) -> [N] { sum(x, dim = [0, 2]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_mean f_mean_vjp (x: [M, N, K]) -> [1] { mean(x).reshape([1]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_mean_12 f_mean_12_vjp (x: [M, N, K]) -> [M] { x.mean([1, 2]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_prod f_prod_vjp (x: [M, N, K]) -> [1] { prod(x).reshape([1]) } at [&[3, 2, 2][..]], [&[1, 5, 1][..]], [&[1, 1, 1][..]];
    f_prod_1 f_prod_1_vjp (x: [M, N, K]) -> [M, K] { prod(x, dim = 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 9, 3][..]];
    f_prod_02 f_prod_02_vjp (x: [M, N, K]) -> [N, 1] { prod(x + 1.5, dim = [0, 2], keepdim = true).reshape([N, 1]) } at [&[3, 4, 2][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_amax f_amax_vjp (x: [M, N, K]) -> [M, K] { amax(x, dim = 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_amin f_amin_vjp (x: [M, N, K]) -> [N, K] { amin(x, dim = 0) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_max_all f_max_all_vjp (x: [M, N, K]) -> [1] { max(x).reshape([1]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_max_dim f_max_dim_vjp (x: [M, N, K]) -> [M, K] { let (v, _) = max(x, dim = 1); v } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_min_dim f_min_dim_vjp (x: [M, N, K]) -> [M, N] { let (v, _) = min(x, dim = 2); v } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_var f_var_vjp (x: [M, N, K]) -> [1] { var(x).reshape([1]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]];
    f_var_1 f_var_1_vjp (x: [M, N, K]) -> [M, K] { var(x, dim = 1, correction = 0) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_std f_std_vjp (x: [M, N, K]) -> [M] { std(x, dim = [1, 2]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]];
    f_logsumexp f_logsumexp_vjp (x: [M, N, K]) -> [M, K] { logsumexp(x, 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_logsumexp_02 f_logsumexp_02_vjp (x: [M, N, K]) -> [1, N, 1] { logsumexp(x, [0, 2], keepdim = true) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_norm f_norm_vjp (x: [M, N, K]) -> [1] { norm(x).reshape([1]) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_norm_1 f_norm_1_vjp (x: [M, N, K]) -> [M, N] { norm(x, dim = 2) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_cumsum_0 f_cumsum_0_vjp (x: [M, N, K]) -> [M, N, K] { cumsum(x, 0) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_cumprod_1 f_cumprod_1_vjp (x: [M, N, K]) -> [M, N, K] { cumprod(x, 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 9, 3][..]];
    f_cumprod_last f_cumprod_last_vjp (x: [M, N, K]) -> [M, N, K] { cumprod(relu(x), -1) } at [&[3, 4, 2][..]], [&[2, 1, 9][..]];
    f_cumsum_last f_cumsum_last_vjp (x: [M, N, K]) -> [M, N, K] { cumsum(x, -1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_softmax f_softmax_vjp (x: [M, N, K]) -> [M, N, K] { softmax(x, -1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_softmax_1 f_softmax_1_vjp (x: [M, N, K]) -> [M, N, K] { softmax(x, dim = 1) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_log_softmax f_log_softmax_vjp (x: [M, N, K]) -> [M, N, K] { log_softmax(x, 2) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_log_softmax_0 f_log_softmax_0_vjp (x: [M, N, K]) -> [M, N, K] { log_softmax(x, 0) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
    f_layer_norm f_layer_norm_vjp (x: [M, N, K]) -> [M, N, K] { layer_norm(x, [N, K]) } at [&[3, 4, 2][..]], [&[2, 3, 17][..]];
    f_rms_norm f_rms_norm_vjp (x: [M, N, K]) -> [M, N, K] { rms_norm(x, [K], eps = 1e-3) } at [&[3, 4, 2][..]], [&[1, 5, 1][..]], [&[2, 1, 17][..]], [&[5, 33, 3][..]];
}

family! {
    products in (-1.0, 1.0);
    f_mat f_mat_vjp (x: [M, K], y: [K, N]) -> [M, N] { matmul(x, y) } at [&[3, 4][..], &[4, 5][..]], [&[1, 1][..], &[1, 1][..]], [&[2, 33][..], &[33, 7][..]], [&[1, 5][..], &[5, 3][..]];
    f_transposed f_transposed_vjp (x: [K, M], y: [N, K]) -> [M, N] { x.t().matmul(y.transpose(0, 1)) } at [&[4, 3][..], &[5, 4][..]], [&[1, 2][..], &[1, 1][..]];
    f_batched f_batched_vjp (x: [B, M, K], y: [B, K, N]) -> [B, M, N] { matmul(x, y) } at [&[2, 3, 4][..], &[2, 4, 5][..]], [&[1, 1, 1][..], &[1, 1, 1][..]];
    f_shared f_shared_vjp (x: [B, M, K], y: [K, N]) -> [B, M, N] { matmul(x, y) } at [&[2, 3, 4][..], &[4, 5][..]];
    f_stacks f_stacks_vjp (x: [B, 1, M, K], y: [C, K, N]) -> [B, C, M, N] { matmul(x, y) } at [&[2, 1, 3, 4][..], &[5, 4, 2][..]];
    f_matvec f_matvec_vjp (x: [M, K], y: [K]) -> [M] { matmul(x, y) } at [&[3, 4][..], &[4][..]];
    f_vecmat f_vecmat_vjp (x: [K], y: [K, N]) -> [N] { matmul(x, y) } at [&[4][..], &[4, 3][..]];
    f_outer f_outer_vjp (x: [M, 1], y: [1, N]) -> [M, N] { matmul(x, y) } at [&[4, 1][..], &[1, 3][..]];
    f_linear f_linear_vjp (x: [B, T, K], w: [N, K], b: [N]) -> [B, T, N] { tanh(linear(x, w, b)) } at [&[2, 3, 4][..], &[5, 4][..], &[5][..]], [&[1, 1, 1][..], &[1, 1][..], &[1][..]];
    f_gram f_gram_vjp (x: [M, K]) -> [M, M] { matmul(x, x.t()) } at [&[3, 4][..]], [&[1, 3][..]];
}

family! {
    shapes in (-1.0, 1.0);
    f_reshape f_reshape_vjp (x: [M, 3, K]) -> [M, 3 * K] { sin(x.reshape([M, -1])) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_flatten f_flatten_vjp (x: [M, 3, K]) -> [M * 3 * K] { flatten(x) * 2.0 } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_transpose f_transpose_vjp (x: [M, 3, K]) -> [M, K, 3] { x.transpose(1, 2) * 2.0 } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_permute f_permute_vjp (x: [M, 3, K]) -> [K, M, 3] { x.permute([2, 0, 1]) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_unsqueeze f_unsqueeze_vjp (x: [M, 3, K]) -> [M, 3, 1, K] { x.unsqueeze(2) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_squeeze f_squeeze_vjp (x: [M, 3, K]) -> [M, K] { x[.., 1..2, ..].squeeze(1) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_expand f_expand_vjp (x: [M, 3, K]) -> [2, M, 3, K] { x.expand([2, M, 3, K]) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_repeat f_repeat_vjp (x: [M, 3, K]) -> [2 * M, 3, 3 * K] { x.repeat([2, 1, 3]) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_flip f_flip_vjp (x: [M, 3, K]) -> [M, 3, K] { x.flip([1]) * x } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_slice f_slice_vjp (x: [M, 3, K]) -> [M, 2, K] { x[.., 1.., ..] } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_slice_step f_slice_step_vjp (x: [M, 3, K]) -> [M, 2, K] { x.slice(1, 0, 3, step = 2) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_select f_select_vjp (x: [M, 3, K]) -> [M, K] { x[.., -1, ..] } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_narrow f_narrow_vjp (x: [M, 3, K]) -> [M, 2, K] { x.narrow(1, 1, 2) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_split f_split_vjp (x: [M, 3, K]) -> [M, 1, K] { let (a, b) = x.split([2, 1], dim = 1); a.sum(1, keepdim = true) * b } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_chunk f_chunk_vjp (x: [M, 3, K]) -> [M, 1, K] { let (a, b, c) = x.chunk(3, 1); a * b + c } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_cat f_cat_vjp (x: [M, 3, K]) -> [M, 5, K] { cat([x, x[.., 0..2, ..] * 2.0], dim = 1) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_stack f_stack_vjp (x: [M, 3, K]) -> [M, 3, 2, K] { stack([x, sin(x)], dim = 2) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_pad f_pad_vjp (x: [M, 3, K]) -> [M, 5, K + 1] { x.pad([1, 0, 1, 1], value = 0.5) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_reflect f_reflect_vjp (x: [M, 3, K]) -> [M, 6, K] { x.pad([0, 0, 2, 1], mode = "reflect") } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_tril f_tril_vjp (x: [M, 3, K]) -> [M, 3, K] { tril(x) + triu(x, diagonal = 1) * 2.0 } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_unflatten f_unflatten_vjp (x: [M, 3, K]) -> [M, 3, K] { x.flatten(1).unflatten(1, [3, K]) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
    f_expand_as f_expand_as_vjp (x: [M, 3, K]) -> [M, 3, K] { x[.., 0..1, ..].expand_as(x) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]], [&[5, 3, 17][..]];
}

family! {
    losses in (0.1, 0.9);
    f_mse_loss f_mse_loss_vjp (x: [M, N], y: [M, N]) -> [M, N] { mse_loss(x, y, reduction = "none") } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_l1_loss f_l1_loss_vjp (x: [M, N], y: [M, N]) -> [M, N] { l1_loss(x, y, reduction = "none") } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_smooth_l1_loss f_smooth_l1_loss_vjp (x: [M, N], y: [M, N]) -> [M, N] { smooth_l1_loss(x, y, reduction = "none", beta = 0.3) } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_huber_loss f_huber_loss_vjp (x: [M, N], y: [M, N]) -> [M, N] { huber_loss(x, y, reduction = "none", delta = 0.2) } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_binary_cross_entropy f_binary_cross_entropy_vjp (x: [M, N], y: [M, N]) -> [M, N] { binary_cross_entropy(x, y, reduction = "none") } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_binary_cross_entropy_with_logits f_binary_cross_entropy_with_logits_vjp (x: [M, N], y: [M, N]) -> [M, N] { binary_cross_entropy_with_logits(x, y, reduction = "none") } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_kl_div f_kl_div_vjp (x: [M, N], y: [M, N]) -> [M, N] { kl_div(x, y, reduction = "none") } at [&[3, 4][..], &[3, 4][..]], [&[1, 1][..], &[1, 1][..]], [&[5, 17][..], &[5, 17][..]];
    f_kl_log f_kl_log_vjp (x: [M, N], y: [M, N]) -> [M] { kl_div(x, y, reduction = "none", log_target = true).sum(1) } at [&[3, 4][..], &[3, 4][..]];
    f_soft f_soft_vjp (x: [M, N], y: [M, N]) -> [M] { cross_entropy(x, y, reduction = "none", label_smoothing = 0.1) } at [&[3, 4][..], &[3, 4][..]], [&[1, 5][..], &[1, 5][..]];
    f_cosine f_cosine_vjp (x: [M, N], y: [M, N]) -> [M] { cosine_embedding_loss(x, y, ones([M]), reduction = "none") } at [&[3, 4][..], &[3, 4][..]];
    f_classes f_classes_vjp (x: [M, 5]) -> [M] { cross_entropy(x, arange(M) * 0 + 2, reduction = "none") } at [&[3, 5][..]], [&[1, 5][..]];
    f_nll f_nll_vjp (x: [M, 5, K]) -> [M, K] { nll_loss(x, (zeros([M, K]) + 3.0).int(), reduction = "none", ignore_index = 1) } at [&[3, 5, 2][..]], [&[1, 5, 1][..]];
    f_smooth f_smooth_vjp (x: [M, 5]) -> [M] { cross_entropy(x, arange(M), reduction = "none", label_smoothing = 0.2) } at [&[3, 5][..]], [&[1, 5][..]];
    f_weighted f_weighted_vjp (x: [M, 5]) -> [1] { cross_entropy(x, arange(M), weight = full([5], 0.5) + arange(5), ignore_index = 1).reshape([1]) } at [&[3, 5][..]], [&[4, 5][..]];
}

family! {
    indices in (-1.0, 1.0);
    f_take f_take_vjp (x: [M, K]) -> [4, K] { x.index_select(0, (arange(4) * 0.5).int()) } at [&[3, 4][..]], [&[2, 1][..]], [&[5, 17][..]];
    f_take_last f_take_last_vjp (x: [M, 3]) -> [M, 2] { x.index_select(-1, arange(2) + 1) } at [&[3, 3][..]], [&[1, 3][..]];
    f_embedding f_embedding_vjp (w: [V, D]) -> [2, 2, D] { embedding((arange(4) * 0.5).int().reshape([2, 2]), w) } at [&[3, 4][..]], [&[2, 1][..]];
    f_gather f_gather_vjp (x: [M, 3]) -> [M, 2] { x.gather(1, arange(2).expand([M, 2])) } at [&[3, 3][..]], [&[1, 3][..]];
    f_gather_0 f_gather_0_vjp (x: [2, K]) -> [4, K] { x.gather(0, (arange(4) * 0.5).int().unsqueeze(1).expand([4, K])) } at [&[2, 3][..]], [&[2, 1][..]];
    f_one_hot f_one_hot_vjp (x: [M, 3]) -> [M, 3] { x * one_hot(arange(M), 3) } at [&[3, 3][..]], [&[1, 3][..]];
}

family! {
    no_rows in (0.1, 0.9);
    f_exp f_exp_vjp (x: [0, 4]) -> [0, 4] { x.exp() } at [&[0, 4][..]];
    f_sin f_sin_vjp (x: [0, 4]) -> [0, 4] { x.sin() } at [&[0, 4][..]];
    f_cos f_cos_vjp (x: [0, 4]) -> [0, 4] { x.cos() } at [&[0, 4][..]];
    f_tanh f_tanh_vjp (x: [0, 4]) -> [0, 4] { x.tanh() } at [&[0, 4][..]];
    f_sigmoid f_sigmoid_vjp (x: [0, 4]) -> [0, 4] { x.sigmoid() } at [&[0, 4][..]];
    f_silu f_silu_vjp (x: [0, 4]) -> [0, 4] { x.silu() } at [&[0, 4][..]];
    f_gelu f_gelu_vjp (x: [0, 4]) -> [0, 4] { x.gelu() } at [&[0, 4][..]];
    f_erf f_erf_vjp (x: [0, 4]) -> [0, 4] { x.erf() } at [&[0, 4][..]];
    f_expm1 f_expm1_vjp (x: [0, 4]) -> [0, 4] { x.expm1() } at [&[0, 4][..]];
    f_softplus f_softplus_vjp (x: [0, 4]) -> [0, 4] { x.softplus() } at [&[0, 4][..]];
    f_square f_square_vjp (x: [0, 4]) -> [0, 4] { x.square() } at [&[0, 4][..]];
    f_neg f_neg_vjp (x: [0, 4]) -> [0, 4] { x.neg() } at [&[0, 4][..]];
    f_mish f_mish_vjp (x: [0, 4]) -> [0, 4] { x.mish() } at [&[0, 4][..]];
    f_logsigmoid f_logsigmoid_vjp (x: [0, 4]) -> [0, 4] { x.logsigmoid() } at [&[0, 4][..]];
    f_sinh f_sinh_vjp (x: [0, 4]) -> [0, 4] { x.sinh() } at [&[0, 4][..]];
    f_cosh f_cosh_vjp (x: [0, 4]) -> [0, 4] { x.cosh() } at [&[0, 4][..]];
    f_exp2 f_exp2_vjp (x: [0, 4]) -> [0, 4] { x.exp2() } at [&[0, 4][..]];
    f_elu f_elu_vjp (x: [0, 4]) -> [0, 4] { x.elu() } at [&[0, 4][..]];
    f_celu f_celu_vjp (x: [0, 4]) -> [0, 4] { x.celu() } at [&[0, 4][..]];
    f_selu f_selu_vjp (x: [0, 4]) -> [0, 4] { x.selu() } at [&[0, 4][..]];
    f_softsign f_softsign_vjp (x: [0, 4]) -> [0, 4] { x.softsign() } at [&[0, 4][..]];
    f_tanhshrink f_tanhshrink_vjp (x: [0, 4]) -> [0, 4] { x.tanhshrink() } at [&[0, 4][..]];
    f_hardsigmoid f_hardsigmoid_vjp (x: [0, 4]) -> [0, 4] { x.hardsigmoid() } at [&[0, 4][..]];
    f_log f_log_vjp (x: [0, 4]) -> [0, 4] { x.log() } at [&[0, 4][..]];
    f_sqrt f_sqrt_vjp (x: [0, 4]) -> [0, 4] { x.sqrt() } at [&[0, 4][..]];
    f_rsqrt f_rsqrt_vjp (x: [0, 4]) -> [0, 4] { x.rsqrt() } at [&[0, 4][..]];
    f_reciprocal f_reciprocal_vjp (x: [0, 4]) -> [0, 4] { x.reciprocal() } at [&[0, 4][..]];
    f_log1p f_log1p_vjp (x: [0, 4]) -> [0, 4] { x.log1p() } at [&[0, 4][..]];
    f_log2 f_log2_vjp (x: [0, 4]) -> [0, 4] { x.log2() } at [&[0, 4][..]];
    f_log10 f_log10_vjp (x: [0, 4]) -> [0, 4] { x.log10() } at [&[0, 4][..]];
    f_relu f_relu_vjp (x: [0, 4]) -> [0, 4] { x.relu() } at [&[0, 4][..]];
    f_abs f_abs_vjp (x: [0, 4]) -> [0, 4] { x.abs() } at [&[0, 4][..]];
    f_leaky_relu f_leaky_relu_vjp (x: [0, 4]) -> [0, 4] { x.leaky_relu() } at [&[0, 4][..]];
    f_relu6 f_relu6_vjp (x: [0, 4]) -> [0, 4] { x.relu6() } at [&[0, 4][..]];
    f_hardtanh f_hardtanh_vjp (x: [0, 4]) -> [0, 4] { x.hardtanh() } at [&[0, 4][..]];
    f_hardswish f_hardswish_vjp (x: [0, 4]) -> [0, 4] { x.hardswish() } at [&[0, 4][..]];
    f_sum f_sum_vjp (x: [0, 4]) -> [4] { x.sum(0) } at [&[0, 4][..]];
    f_rows f_rows_vjp (x: [0, 4]) -> [0] { x.sum(1) } at [&[0, 4][..]];
    f_softmax f_softmax_vjp (x: [0, 4]) -> [0, 4] { x.softmax(1) } at [&[0, 4][..]];
    f_lse f_lse_vjp (x: [0, 4]) -> [0] { x.logsumexp(1) } at [&[0, 4][..]];
    f_cumsum f_cumsum_vjp (x: [0, 4]) -> [0, 4] { x.cumsum(0) } at [&[0, 4][..]];
    f_linear f_linear_vjp (x: [0, 4], w: [3, 4]) -> [0, 3] { linear(x, w) } at [&[0, 4][..], &[3, 4][..]];
    f_transpose f_transpose_vjp (x: [0, 4]) -> [4, 0] { x.t() } at [&[0, 4][..]];
    f_cat f_cat_vjp (x: [0, 4], y: [2, 4]) -> [2, 4] { cat([x, y], dim = 0) } at [&[0, 4][..], &[2, 4][..]];
    f_mul f_mul_vjp (x: [0, 4], y: [4]) -> [0, 4] { x * y } at [&[0, 4][..], &[4][..]];
    f_pad f_pad_vjp (x: [0, 4]) -> [2, 4] { x.pad([0, 0, 1, 1]) } at [&[0, 4][..]];
    f_norm f_norm_vjp (x: [0, 4]) -> [0, 4] { layer_norm(x, [4]) } at [&[0, 4][..]];
    f_mse f_mse_vjp (x: [0, 4]) -> [1] { mse_loss(x, x * 2.0, reduction = "sum").reshape([1]) } at [&[0, 4][..]];
    f_empty_k f_empty_k_vjp (x: [3, 0], y: [0, 2]) -> [3, 2] { matmul(x, y) } at [&[3, 0][..], &[0, 2][..]];
    f_take f_take_vjp (x: [3, 4]) -> [0, 4] { x.index_select(0, arange(0)) } at [&[3, 4][..]];
}

family! {
    normalised_channels in (0.3, 2.0);
    f_batch f_batch_vjp (x: [B, C, L], w: [C], b: [C]) -> [B, C, L] { batch_norm(x, None, None, weight = w, bias = b, training = true) } at [&[2, 3, 5][..], &[3][..], &[3][..]], [&[7, 1, 1][..], &[1][..], &[1][..]], [&[1, 3, 17][..], &[3][..], &[3][..]];
    f_batch_flat f_batch_flat_vjp (x: [B, C], w: [C]) -> [B, C] { batch_norm(x, None, None, weight = w, training = true, eps = 0.1) } at [&[5, 3][..], &[3][..]], [&[2, 17][..], &[17][..]];
    f_batch_plane f_batch_plane_vjp (x: [B, C, H, W]) -> [B, C, H, W] { batch_norm(x, None, None, training = true) } at [&[3, 2, 3, 5][..]], [&[1, 1, 1, 7][..]];
    f_batch_eval f_batch_eval_vjp (x: [B, C, L], m: [C], v: [C], b: [C]) -> [B, C, L] { batch_norm(x, m, v, bias = b) } at [&[2, 3, 5][..], &[3][..], &[3][..], &[3][..]], [&[1, 1, 1][..], &[1][..], &[1][..], &[1][..]];
    f_group f_group_vjp (x: [B, 6, L], w: [6], b: [6]) -> [B, 6, L] { group_norm(x, 3, weight = w, bias = b) } at [&[2, 6, 5][..], &[6][..], &[6][..]], [&[1, 6, 1][..], &[6][..], &[6][..]];
    f_instance f_instance_vjp (x: [B, C, H, W], w: [C]) -> [B, C, H, W] { instance_norm(x, weight = w) } at [&[2, 3, 1, 5][..], &[3][..]], [&[1, 1, 3, 3][..], &[1][..]];
    f_instance_eval f_instance_eval_vjp (x: [B, C, L], m: [C], v: [C]) -> [B, C, L] { instance_norm(x, m, v, use_input_stats = false) } at [&[2, 3, 1][..], &[3][..], &[3][..]];
}

family! {
    attention_and_sums_of_products in (-1.0, 1.0);
    f_attention f_attention_vjp (q: [B, T, D], k: [B, S, D], v: [B, S, E]) -> [B, T, E] { scaled_dot_product_attention(q, k, v) } at [&[2, 3, 4][..], &[2, 5, 4][..], &[2, 5, 3][..]], [&[1, 1, 1][..], &[1, 1, 1][..], &[1, 1, 1][..]];
    f_causal f_causal_vjp (q: [B, T, D], k: [B, T, D], v: [B, T, D]) -> [B, T, D] { scaled_dot_product_attention(q, k, v, is_causal = true, scale = 0.3) } at [&[2, 3, 4][..], &[2, 3, 4][..], &[2, 3, 4][..]];
    f_masked f_masked_vjp (q: [B, T, D], k: [B, S, D], v: [B, S, D], m: [T, S]) -> [B, T, D] { scaled_dot_product_attention(q, k, v, attn_mask = m) } at [&[2, 3, 4][..], &[2, 5, 4][..], &[2, 5, 4][..], &[3, 5][..]];
    f_grouped f_grouped_vjp (q: [B, 4, T, D], k: [B, 2, S, D], v: [B, 1, S, D]) -> [B, 4, T, D] { scaled_dot_product_attention(q, k, v, enable_gqa = true) } at [&[2, 4, 3, 5][..], &[2, 2, 1, 5][..], &[2, 1, 1, 5][..]], [&[1, 4, 1, 1][..], &[1, 2, 3, 1][..], &[1, 1, 3, 1][..]];
    f_rotary f_rotary_vjp (x: [B, T, 6]) -> [B, T, 6] { rotary(x) } at [&[2, 3, 6][..]], [&[1, 1, 6][..]];
    f_rotary_halves f_rotary_halves_vjp (x: [B, H, T, 2]) -> [B, H, T, 2] { rotary(x, interleaved = false, base = 50.0) } at [&[2, 3, 5, 2][..]], [&[1, 1, 1, 2][..]];
    f_einsum f_einsum_vjp (x: [B, M, K], y: [B, K, N]) -> [B, N] { einsum("bmk,bkn->bn", x, y) } at [&[2, 3, 4][..], &[2, 4, 5][..]], [&[1, 1, 1][..], &[1, 1, 1][..]], [&[3, 7, 17][..], &[3, 17, 1][..]];
    f_diagonal f_diagonal_vjp (x: [B, M, M]) -> [B, M] { einsum("bii->bi", x) } at [&[2, 3, 3][..]], [&[1, 1, 1][..]];
    f_select f_select_vjp (x: [M, 3, K]) -> [M, K] { x.select(1, -2) } at [&[2, 3, 4][..]], [&[1, 3, 1][..]];
}
