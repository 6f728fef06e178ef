//! `fuzz_bodies::sheet` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::sheet(bytes));
