/* Points on a curve: what may be sent to a card, and what an x coordinate alone stands for. */
#pragma once

#include "apdu/algorithm.h"
#include "base/secret.h"

/* 0 when the point (04 x y, full width) lies on the Weierstrass curve; GPG_ERR_INV_DATA otherwise.
 * A Montgomery coordinate needs its right length only: every value stands for a point. */
gpg_error_t point_check(const struct curve *curve, struct view point);

/* True for a Montgomery coordinate with which every secret key gives the same shared secret:
 * zero. */
bool point_has_small_order(const struct curve *curve, struct view point);

/* 04 x y for a coordinate x of full width: one of the two y's, either will do where only x is used
 * (RFC 6637 §7). GPG_ERR_INV_DATA when no point of the curve has this x. */
gpg_error_t point_from_x(const struct curve *curve, const struct secret *x, struct secret *point);
