//! Behaviour over real HTTP: the tests are in `tests/`, one file for each subject.
