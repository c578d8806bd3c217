//! The program: everything is in the library, so that tests use the same code.

use std::io::Write as _;

fn main() -> ! {
    let code = bantin::cli::run();
    // Not through the handlers that a process may have for its exit: those of the OpenSSL beneath libpq
    // take away what a thread of the connection pool still stands on, and the end is a crash.
    let _ = std::io::stdout().flush();
    signal_hook::low_level::exit(code)
}
