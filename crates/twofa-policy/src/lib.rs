//! Who is asked for a second factor, who may reset one, and why: pure rules with reasons. no_std, no allocation.
