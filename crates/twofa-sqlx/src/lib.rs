//! SQLite and PostgreSQL storage for twofa.
