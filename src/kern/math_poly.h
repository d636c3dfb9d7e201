/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* The constants and the order of arithmetic of the f32 functions, used verbatim by the scalar and by every
 * SIMD version. fma(a, b, c) below is one fused operation; everything else is one IEEE operation each.
 *
 * exp:   t = fma(x, LOG2E, SHIFT), n = t − SHIFT
 *        r = fma(n, −LN2_LO, fma(n, −LN2_HI, x))
 *        p = E6, then p = fma(p, r, c) for c = E5 E4 E3 E2 1 1
 *        y = p with bits(t) << 23 added to its bits (that is p × 2^n)
 *        x < EXP_MIN: 0;   not (x <= EXP_MAX): x + inf;   else y
 * tanh:  a = |x|, z = x × x
 *        p = T6, then p = fma(p, z, c) for c = T5 … T1;  small = fma(a × z, p, a)
 *        large = 1 − 2 / (exp(a + a) + 1)
 *        a < TANH_SMALL: small, else large; with the sign of x
 * erf:   a = |x|, z = x × x
 *        p = F7, then p = fma(p, z, c) for c = F6 … F0;  small = fma(a, p, a)
 *        t = a < 4 ? a : 4
 *        g = G9, then g = fma(g, t, c) for c = G8 … G0;  large = 1 − exp(−g);  x is NaN: large = a
 *        a < 1: small, else large; with the sign of x */
#ifndef MICA_MATH_POLY_H
#define MICA_MATH_POLY_H

#define MICA_EXP_MAX   0x1.62e42ep+6f /* the last x whose exponential is finite */
#define MICA_EXP_MIN   (-87.3365f)    /* above ln 2^-126: below it the result would be subnormal */
#define MICA_EXP_LOG2E 0x1.715476p+0f
#define MICA_EXP_SHIFT 12582912.0f /* 1.5 × 2^23: adding it rounds to an integer */
#define MICA_EXP_LN2HI 0x1.62e4p-1f
#define MICA_EXP_LN2LO 0x1.7f7d1cp-20f
#define MICA_EXP_E2    0.5f
#define MICA_EXP_E3    0x1.55549p-3f
#define MICA_EXP_E4    0x1.5554c8p-5f
#define MICA_EXP_E5    0x1.123ac6p-7f
#define MICA_EXP_E6    0x1.6d715p-10f

#define MICA_TANH_SMALL 0.625f
#define MICA_TANH_T1    (-0x1.555554p-2f)
#define MICA_TANH_T2    0x1.11107cp-3f
#define MICA_TANH_T3    (-0x1.b9f21cp-5f)
#define MICA_TANH_T4    0x1.63acbcp-6f
#define MICA_TANH_T5    (-0x1.0c86b8p-7f)
#define MICA_TANH_T6    0x1.1ac1a6p-9f

#define MICA_ERF_F0 0x1.06eba8p-3f
#define MICA_ERF_F1 (-0x1.812740p-2f)
#define MICA_ERF_F2 0x1.ce2d6ap-4f
#define MICA_ERF_F3 (-0x1.b8028ep-6f)
#define MICA_ERF_F4 0x1.54676cp-8f
#define MICA_ERF_F5 (-0x1.a80ca0p-11f)
#define MICA_ERF_F6 0x1.5f4fb2p-14f
#define MICA_ERF_F7 (-0x1.740618p-20f)
#define MICA_ERF_G0 (-0x1.fb2b70p-14f)
#define MICA_ERF_G1 0x1.2111eap+0f
#define MICA_ERF_G2 0x1.44bd10p-1f
#define MICA_ERF_G3 0x1.b5c780p-4f
#define MICA_ERF_G4 (-0x1.855c12p-6f)
#define MICA_ERF_G5 0x1.b3030cp-9f
#define MICA_ERF_G6 (-0x1.69540cp-14f)
#define MICA_ERF_G7 (-0x1.1d7748p-14f)
#define MICA_ERF_G8 0x1.b2e034p-17f
#define MICA_ERF_G9 (-0x1.b56a68p-21f)

/* The tanh form of GELU is a / (1 + exp(−2·√(2/π)·(a + 0.044715·a³))), as computed by
 * e = exp(fma(GELU_CUBIC × (a × a), a, a) × GELU_SCALE), a / (1 + e). */
#define MICA_GELU_CUBIC 0.044715f
#define MICA_GELU_SCALE (-0x1.988454p+0f) /* −2·√(2/π) */
#define MICA_SQRT_HALF  0x1.6a09e6p-1f

#endif
