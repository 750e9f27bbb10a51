//! Checks of the project's shape, run as tests.
//!
//! What must hold is written in `docs/architecture.md`; each module here checks one part of it on the sources and the
//! manifests as they are, and a failing test names the file, what was expected and what to do. The crate holds nothing
//! but tests. Read first: `layers` for who may know whom, then `workspace` for how the tree is read.

#[cfg(test)]
mod layers;
#[cfg(test)]
mod licences;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod unused;
#[cfg(test)]
mod workspace;
