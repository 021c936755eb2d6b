//! Claims about speed, each measured beside its peer in one process.
