//! `causerie doctor`: checks the installation and says what to do.
#![allow(clippy::print_stdout, reason = "the command's answer")]

use super::{Outcome, runtime};
use crate::{
    config::Settings,
    wire::{self, Check},
};

pub(super) fn doctor(settings: &Settings) -> Outcome {
    let checks = runtime()?.block_on(wire::examine(settings));
    let mut faults = 0;
    for Check { name, finding } in checks {
        match finding {
            Ok(fine) => println!("ok    {name:<12} {fine}"),
            Err(fault) => {
                faults += 1;
                println!("FAULT {name:<12} {fault}");
            }
        }
    }
    if faults == 0 { Ok(()) } else { Err(format!("{faults} faults found").into()) }
}
