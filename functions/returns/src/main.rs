//! The binary of the domain: Lambda tells it by `_HANDLER` which endpoint it is.

fn main() -> std::process::ExitCode {
    runtime::lambda::run(returns::ENDPOINTS)
}
