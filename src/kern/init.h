/* SPDX-FileCopyrightText: 2026 The Mica authors
 * SPDX-License-Identifier: Apache-2.0 */
/* Each family of kernels fills its rows of the table; the wider instruction sets override. */
#ifndef MICA_KERN_INIT_H
#define MICA_KERN_INIT_H

#include "kern/kern.h"

void mica_kern_init_ref_matmul(struct mica_kern *kern);
void mica_kern_init_ref_rows(struct mica_kern *kern);
void mica_kern_init_ref_attention(struct mica_kern *kern);
void mica_kern_init_avx2_matmul(struct mica_kern *kern);
void mica_kern_init_avx2_rows(struct mica_kern *kern);
void mica_kern_init_avx2_attention(struct mica_kern *kern);
void mica_kern_init_avx512_matmul(struct mica_kern *kern);
void mica_kern_init_avx512_rows(struct mica_kern *kern);
void mica_kern_init_avx512_attention(struct mica_kern *kern);

/* Parts of the x86 matmul families. */
void mica_kern_init_avx2_matmul_float(struct mica_kern *kern);
void mica_kern_init_avx2_quantize(struct mica_kern *kern);
void mica_kern_init_avx512_matmul_float(struct mica_kern *kern);
void mica_kern_init_avx512_quantize(struct mica_kern *kern);

#endif
