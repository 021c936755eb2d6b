//! The state machine of one person's second factor: set-up, use, throttle, replacement, reset. Pure.
