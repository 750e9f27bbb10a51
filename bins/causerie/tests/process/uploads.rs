//! Files from strangers, read by real child processes.

use serde_json::json;
use support::{fixture_bytes, fixtures, text};

use crate::serving::{Serving, serve};

/// A PDF of one page with this content stream.
fn pdf(content: &[u8], filters: &str) -> Vec<u8> {
    let page =
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F << /Type \
                 /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>";
    let head = format!("<< /Length {} {filters} >>\nstream\n", content.len());
    let objects: [Vec<u8>; 4] = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.to_vec(),
        [head.as_bytes(), content, b"\nendstream"].concat(),
    ];
    let (mut file, mut places) = (b"%PDF-1.4\n".to_vec(), String::new());
    for (number, object) in (1..).zip(&objects) {
        places.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend(format!("{number} 0 obj\n").into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 5\n0000000000 65535 f \n{places}").into_bytes());
    file.extend(format!("trailer << /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_attack_their_reader_fail_alone_and_the_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(serve(&folder.path().join("data")));
    let (client, _) = server.client().registered("ada").await;
    // Two rounds of run-length coding: a pair of bytes stands for 128, so that 2 MiB stand for 8 GiB.
    let bomb =
        pdf(&[[129, 129].repeat(1 << 20), vec![0, 128, 128]].concat(), "/Filter [/RunLengthDecode /RunLengthDecode]");
    let nested = pdf(&[b"BT /F 12 Tf [".as_slice(), &b"[".repeat(2_000_000)].concat(), "");
    let dictionaries = pdf(b"BT ET", &format!("/X {}", "<</X".repeat(500_000)));
    for (name, bytes) in [("bomb.pdf", bomb), ("nested.pdf", nested), ("dictionaries.pdf", dictionaries)] {
        let document = client.document(name, bytes).await;
        assert_eq!(document["status"], "failed", "{document}");
        let code = text(&document["error"]["code"]);
        assert!(matches!(code, "limits_exceeded" | "unreadable" | "no_text"), "{document}");
        assert!(name != "bomb.pdf" || code == "limits_exceeded", "{document}");
        client.get("/health/live").await.expect(200);
    }
    let document = client.document("soup.md", fixture_bytes("soup.md")).await;
    assert_eq!(document["status"], "ready", "{document}");
    assert_eq!(server.terminate().status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_ends_in_a_child_as_its_index_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(serve(&folder.path().join("data")));
    let (client, _) = server.client().registered("ada").await;
    for fixture in fixtures() {
        let upload = client.upload(vec![(&fixture.file, fixture_bytes(&fixture.file))]).await;
        if upload.status != 202 {
            assert_eq!(upload.json["code"], fixture.expect, "{}", fixture.file);
            continue;
        }
        let document = client.settled(text(&upload.json["items"][0]["id"])).await;
        let end = document["error"]["code"].as_str().unwrap_or(text(&document["status"]));
        assert_eq!(end, fixture.expect, "{}: {document}", fixture.file);
    }
    let ended = server.terminate();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!ended.log.contains("panicked"), "{}", ended.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_over_the_limits_of_the_configuration_is_refused_by_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&folder.path().join("data"));
    command.args(["--set", "documents.max_pages=3"]);
    let server = Serving::start(command);
    let (client, _) = server.client().registered("ada").await;
    let document = client.document("lighthouses.pdf", fixture_bytes("lighthouses.pdf")).await;
    assert_eq!(document["error"]["code"], json!("limits_exceeded"), "{document}");
    assert!(text(&document["error"]["detail"]).contains('3'), "{document}");
    server.terminate();
}
