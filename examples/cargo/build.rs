//! Builds the intents into a static library, and tells Cargo which files it was made from.
use std::path::PathBuf;
use std::process::{exit, Command};
use std::{env, fs};

const INTENTS: [&str; 2] = ["mix_u8.intent", "saturate_u8.intent"];

fn main() {
    let tool = env::var("INTENT_TOOL").unwrap_or("intent-tool".to_string());
    println!("cargo:rerun-if-env-changed=INTENT_TOOL");
    // x86_64, aarch64 (arm64) or riscv64.
    let target = env::var("CARGO_CFG_TARGET_ARCH").unwrap();
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    let depfile = out.join("intents.d");

    let status = Command::new(&tool)
        .arg("build")
        .args(INTENTS)
        .args(["--root", ".", "--target", &target, "--emit", "archive", "-o"])
        .arg(out.join("libintents.a"))
        .arg("-MD")
        .arg(&depfile)
        .status()
        .unwrap_or_else(|error| {
            eprintln!("{tool}: {error}: `pip install intent-tool`, or name it in INTENT_TOOL");
            exit(1);
        });
    if !status.success() {
        exit(1);
    }

    // The depfile ends with a line `file: ` for each input, in make's escapes.
    for line in fs::read_to_string(&depfile).unwrap().lines() {
        if let Some(input) = line.strip_suffix(": ") {
            let input = input.replace("\\ ", " ").replace("\\#", "#").replace("$$", "$");
            println!("cargo:rerun-if-changed={input}");
        }
    }
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=intents");
}
