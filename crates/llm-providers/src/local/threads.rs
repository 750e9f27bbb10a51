//! How many threads models get.

/// The default of `local.threads`: the physical cores that this process may use, less one for everything else, and at
/// least one.
///
/// Hyper-threads are not counted, they share the units that do the arithmetic. Quotas of a container are respected.
/// With all cores taken, one slow neighbour stalls every product at its last thread.
#[must_use]
pub fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    num_cpus::get_physical().min(allowed).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_core_is_left_to_others_but_one_is_always_taken() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let threads = super::default_threads();
        assert!(threads >= 1 && threads <= cores.saturating_sub(1).max(1));
    }
}
