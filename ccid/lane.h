/* A thread that makes blocking calls for others, so that they can walk away at their deadline.
 *
 * A lane has one state and works on it, one call at a time. The state is its caller's between
 * calls, the thread's during one. A lane whose caller walked away is abandoned: it keeps the state,
 * releases it once the call has returned and ends by itself. */
#pragma once

#include "base/deadline.h"

#include <gpg-error.h>

struct lane;

typedef void lane_call(void *state);

/* `release` frees the state, on the lane's thread and with all signals blocked there, when the lane
 * ends in whatever way. On failure the state stays the caller's. */
gpg_error_t lane_new(void *state, lane_call *release, struct lane **r_lane);

/* Has the thread make the call and waits for it, and for one posted before. False when the deadline
 * passed first: the lane is abandoned and cleared, the state must not be touched any more. */
bool lane_run(struct lane **lane, lane_call *call, struct deadline deadline);

/* Waits for a call posted before, so that the state is the caller's. Else as lane_run. */
bool lane_ready(struct lane **lane, struct deadline deadline);

/* The same, but the lane stays: false when the call is still under way at the deadline. */
bool lane_wait(struct lane *lane, struct deadline deadline);

/* Has the thread make the call, and goes on. Only when no other posted call is under way. */
void lane_post(struct lane *lane, lane_call *call);

/* Ends the lane: waits at most wait_ms for the call under way and for the release, then abandons
 * it. Accepts NULL, clears the pointer. */
void lane_free(struct lane **lane, int wait_ms);

/* How many abandoned lanes have not ended yet, in this process. */
unsigned lanes_abandoned(void);
