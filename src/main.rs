//! The program: everything is in the library, so that tests use the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    bantin::cli::run()
}
