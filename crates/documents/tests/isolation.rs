//! The parse worker in real child processes.
//!
//! This program is its own worker, so it has no test harness; it answers the few options that `cargo test` and
//! `cargo nextest` use.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests stand outside test functions

use std::process::ExitCode;

use documents::{ChildParser, DocumentError, Extraction, ParseLimits, parse_worker_main};

type Test = fn();

const TESTS: [(&str, Test); 7] = [
    ("a_file_is_parsed_in_a_child", a_file_is_parsed_in_a_child),
    ("errors_about_the_file_come_back_as_they_are", errors_about_the_file_come_back_as_they_are),
    ("a_memory_bomb_ends_the_worker_and_not_the_parent", a_memory_bomb_ends_the_worker_and_not_the_parent),
    ("a_worker_that_hangs_is_killed_in_time", a_worker_that_hangs_is_killed_in_time),
    ("a_worker_that_crashes_makes_the_file_unreadable", a_worker_that_crashes_makes_the_file_unreadable),
    ("a_program_that_does_not_exist_is_a_fault_of_ours", a_program_that_does_not_exist_is_a_fault_of_ours),
    ("a_full_queue_refuses_at_once", a_full_queue_refuses_at_once),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| args.iter().any(|arg| arg == option);
    if has("parse-worker") {
        return parse_worker_main();
    }
    if has("crash") {
        std::process::abort();
    }
    if has("hang") {
        loop {
            std::thread::park();
        }
    }
    if has("--list") {
        if !has("--ignored") {
            TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let filter = args.iter().find(|arg| !arg.starts_with('-'));
    for (name, test) in TESTS {
        if filter.is_none_or(|filter| name.contains(filter.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

fn parser(mode: &str, limits: ParseLimits) -> ChildParser {
    ChildParser::new(std::env::current_exe().unwrap(), vec![mode.to_owned()], limits)
}

fn run(parser: &ChildParser, bytes: &[u8], name: &str) -> Result<Extraction, DocumentError> {
    runtime().block_on(parser.parse(bytes.to_vec(), name))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A PDF of one page whose content stream is `content`, compressed `flate` times with the given filter names.
fn pdf(content: &[u8], filters: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let stream_head = format!("<< /Length {} {filters} >>\nstream\n", content.len());
    let objects: [Vec<u8>; 4] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F << /Type \
          /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
            .to_vec(),
        [stream_head.as_bytes(), content, b"\nendstream"].concat(),
    ];
    let mut places = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n").into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(b"xref\n0 5\n0000000000 65535 f \n");
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    file.extend(format!("trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    file
}

fn a_file_is_parsed_in_a_child() {
    let file = pdf(b"BT /F 12 Tf 50 700 Td (The lighthouse stands on granite.) Tj ET", "");
    let extraction = run(&parser("parse-worker", ParseLimits::default()), &file, "lighthouse.pdf").unwrap();
    assert_eq!(extraction.pages[0].text, "The lighthouse stands on granite.");
}

fn errors_about_the_file_come_back_as_they_are() {
    let worker = parser("parse-worker", ParseLimits::default());
    assert_eq!(run(&worker, b"", "a.pdf").unwrap_err().code(), "empty_file");
    assert_eq!(run(&worker, b"words", "a.pdf").unwrap_err().code(), "unsupported_type");
    assert_eq!(run(&worker, b"%PDF-1.4 nothing more", "a.pdf").unwrap_err().code(), "unreadable");
    assert_eq!(run(&worker, &pdf(b"0 0 m", ""), "a.pdf").unwrap_err().code(), "no_text");
    let one_page = ParseLimits { max_pages: 0, ..ParseLimits::default() };
    let error = run(&parser("parse-worker", one_page), &pdf(b"", ""), "a.pdf").unwrap_err();
    assert_eq!(error.code(), "limits_exceeded");
}

fn a_memory_bomb_ends_the_worker_and_not_the_parent() {
    // Two rounds of run-length coding: a pair of bytes stands for 128, so that 2 MiB stand for 8 GiB.
    // At the end of each round stands 128, which ends the data.
    let inner = [[129, 129].repeat(1 << 20), vec![0, 128, 128]].concat();
    let bomb = pdf(&inner, "/Filter [/RunLengthDecode /RunLengthDecode]");
    let limits = ParseLimits { memory_bytes: 384 << 20, ..ParseLimits::default() };
    let error = run(&parser("parse-worker", limits), &bomb, "bomb.pdf").unwrap_err();
    assert_eq!(error.code(), "limits_exceeded", "{error}");
}

fn a_worker_that_hangs_is_killed_in_time() {
    let limits = ParseLimits { wall_ms: 200, ..ParseLimits::default() };
    let error = run(&parser("hang", limits), b"text", "a.txt").unwrap_err();
    assert_eq!(error.code(), "limits_exceeded");
    assert!(error.to_string().contains("200 milliseconds"), "{error}");
}

fn a_worker_that_crashes_makes_the_file_unreadable() {
    let error = run(&parser("crash", ParseLimits::default()), b"text", "a.txt").unwrap_err();
    assert_eq!(error.code(), "unreadable");
}

fn a_program_that_does_not_exist_is_a_fault_of_ours() {
    let parser = ChildParser::new("/no/such/program".into(), Vec::new(), ParseLimits::default());
    assert_eq!(run(&parser, b"text", "a.txt").unwrap_err().code(), "internal");
}

fn a_full_queue_refuses_at_once() {
    let limits = ParseLimits { wall_ms: 500, ..ParseLimits::default() };
    let parser = parser("hang", limits).with_bounds(1, 1);
    let results = runtime().block_on(async {
        let parse = || parser.parse(b"text".to_vec(), "a.txt");
        let (one, two, three) = tokio::join!(parse(), parse(), parse());
        [one, two, three].map(|result| result.unwrap_err().code())
    });
    assert_eq!(results, ["limits_exceeded", "limits_exceeded", "overloaded"]);
}
