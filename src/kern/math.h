/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Our own elementary functions, the same bits on every instruction set: no libm in a result path. */
#ifndef MICA_MATH_H
#define MICA_MATH_H

/* f32, by FMAs written out; the SIMD versions use the same polynomial and the same order. Within 2 ulp of
 * exact. */
float mica_expf(float x); /* 0 below −87.3…, +inf above 88.7…; NaN stays NaN */
float mica_tanhf(float x);
float mica_erff(float x);

/* f64, for tables and log-probabilities; within 1e-14 relative. */
double mica_exp(double x);
double mica_log(double x);                                    /* x > 0 */
double mica_pow(double x, double y);                          /* x > 0 */
void mica_sincos(double x, double *sin_out, double *cos_out); /* |x| up to 1e9 */

#endif
