//! Against servers on loopback: a small one of our own that misbehaves on command, and a real one.
//!
//! The real one is medallion (the OASIS committee's): `VAUBAN_TAXII_PYTHON` names a Python that has
//! it (`pip install medallion`). Without it that test says so.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vauban_taxii::*;

const TYPE: &str = "application/taxii+json;version=2.1";

/// Answers requests one after the other as `answer` says (status, headers, body) for the request
/// line and headers; gives its address and what was asked.
fn serve(
    answer: impl Fn(usize, &str) -> (u16, String, String) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).is_ok_and(|l| l > 2) {}
            let (status, headers, body) = answer(n, &head);
            log.lock().unwrap().push(head);
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
                body.len()
            );
        }
    });
    (address, asked)
}

fn taxii(body: &str) -> (u16, String, String) {
    (200, format!("content-type: {TYPE}\r\n"), body.to_owned())
}

fn client(auth: Auth) -> Client {
    Client::new(ClientOptions {
        auth,
        timeout: Duration::from_secs(20),
        ..Default::default()
    })
    .unwrap()
}

#[test]
fn pages_until_there_is_no_more() {
    let (address, asked) = serve(|n, _| match n {
        0 => (
            200,
            format!("content-type: {TYPE}\r\nX-TAXII-Date-Added-Last: 2025-01-01T00:00:00Z\r\n"),
            r#"{"more":true,"next":"a b&c","objects":[{"type":"x","n":1},{"type":"x","n":2}]}"#
                .into(),
        ),
        _ => (
            200,
            format!("content-type: {TYPE}\r\nX-TAXII-Date-Added-Last: 2025-01-02T00:00:00Z\r\n"),
            r#"{"objects":[{"type":"x","n":3}]}"#.into(),
        ),
    });
    let client = client(Auth::Bearer("tok".into()));
    let query = ObjectsQuery {
        added_after: Some("2024-12-31T00:00:00+00:00".into()),
        types: vec!["indicator".into()],
    };
    let mut pages = client.objects(&format!("{address}/root"), "c/1", &query);
    let all: Vec<Page> = pages.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(all.iter().map(|p| p.objects).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(pages.added_last(), Some("2025-01-02T00:00:00Z"));
    let bundle: serde_json::Value = serde_json::from_str(&all[0].bundle).unwrap();
    assert_eq!(bundle["objects"][1]["n"], 2);
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with(
        "GET /root/collections/c%2F1/objects/?limit=1000&added_after=2024-12-31T00%3A00%3A00%2B00%3A00&match[type]=indicator HTTP/1.1"
    ), "{}", asked[0]);
    assert!(asked[1].contains("&next=a%20b%26c "), "{}", asked[1]);
    let head = asked[0].to_lowercase();
    assert!(head.contains("authorization: bearer tok"), "{head}");
    assert!(
        head.contains("accept: application/taxii+json;version=2.1"),
        "{head}"
    );
}

#[test]
fn waits_as_long_as_it_is_told() {
    let (address, asked) = serve(|n, _| match n {
        0 => (503, "retry-after: 1\r\n".into(), String::new()),
        1 => (
            429,
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
                .into(),
            String::new(),
        ),
        _ => taxii(r#"{"title":"t","api_roots":["/r1/"],"default":"/r1/"}"#),
    });
    let start = Instant::now();
    let found = client(Auth::None).discover(&address).unwrap();
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(found.api_roots, [format!("{address}/r1/")]);
    assert_eq!(found.default, Some(format!("{address}/r1/")));
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert!(asked.lock().unwrap()[0].starts_with("GET /taxii2/ "));
}

#[test]
fn gives_up_and_says_why() {
    let (address, asked) = serve(|_, _| (503, "retry-after: 0\r\n".into(), String::new()));
    let error = client(Auth::None).discover(&address).unwrap_err();
    assert!(
        matches!(error, TaxiiError::Status { status: 503, .. }),
        "{error}"
    );
    assert_eq!(asked.lock().unwrap().len(), 4);

    let (address, asked) = serve(|_, _| {
        (
            401,
            format!("content-type: {TYPE}\r\n"),
            r#"{"title":"who are you"}"#.into(),
        )
    });
    let error = client(Auth::None).collections(&address).unwrap_err();
    assert!(error.to_string().contains("401 (who are you)"), "{error}");
    assert_eq!(asked.lock().unwrap().len(), 1, "asking again does not help");

    let (address, _) = serve(|_, _| (200, "content-type: text/html\r\n".into(), "<html>".into()));
    let error = client(Auth::None).discover(&address).unwrap_err();
    assert!(error.to_string().contains("text/html"), "{error}");

    for (body, why) in [
        ("{", "no envelope"),
        (r#"{"more":true,"objects":[]}"#, "no word of how"),
        (r#"{"objects":5}"#, "no envelope"),
    ] {
        let (address, _) = serve(move |_, _| taxii(body));
        let client = client(Auth::None);
        let mut pages = client.objects(&address, "c", &ObjectsQuery::default());
        let error = pages.next().unwrap().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(pages.next().is_none());
    }

    // A server whose next page is always the same.
    let (address, _) = serve(|_, _| taxii(r#"{"more":true,"next":"n","objects":[{}]}"#));
    let client = client(Auth::None);
    let all: Vec<_> = client
        .objects(&address, "c", &ObjectsQuery::default())
        .collect();
    assert_eq!(all.len(), 2);
    assert!(
        all[1]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("is this page")
    );

    let error = self::client(Auth::None)
        .discover("http://127.0.0.1:1")
        .map(|_| ());
    drop(error.unwrap_err());
}

#[test]
fn an_answer_may_not_be_endless() {
    let (address, _) = serve(|_, _| taxii(&format!("{{\"title\":\"{}\"}}", "x".repeat(5000))));
    let client = Client::new(ClientOptions {
        answer_max: 1000,
        attempts: 1,
        ..Default::default()
    })
    .unwrap();
    assert!(matches!(
        client.discover(&address),
        Err(TaxiiError::Transport { .. })
    ));
}

/// Ends the server whatever happens.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_server() {
    let Some(python) = std::env::var_os("VAUBAN_TAXII_PYTHON") else {
        println!("VAUBAN_TAXII_PYTHON is not set: no real server was asked");
        return;
    };
    const COUNT: usize = 250;
    const ID: &str = "11111111-1111-4111-8111-111111111111";
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("http://127.0.0.1:{port}");
    let mut objects = Vec::new();
    let mut manifest = Vec::new();
    for n in 0..COUNT {
        let id = format!("indicator--{n:08x}-0000-4000-8000-000000000000");
        let time = format!("2025-01-{:02}T{:02}:00:00.000Z", 1 + n / 24, n % 24);
        objects.push(serde_json::json!({
            "type": "indicator", "spec_version": "2.1", "id": id, "created": time, "modified": time,
            "pattern": format!("[ipv4-addr:value = '45.9.{}.{}']", n / 200, n % 200),
            "pattern_type": "stix", "valid_from": time,
        }));
        manifest.push(serde_json::json!({
            "id": id, "date_added": time, "version": time,
            "media_type": "application/stix+json;version=2.1",
        }));
    }
    let collection = serde_json::json!({
        "id": ID, "title": "Indicators", "description": "", "can_read": true, "can_write": false,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": objects, "manifest": manifest,
    });
    let data = serde_json::json!({
        "/discovery": {
            "title": "A server", "description": "", "contact": "",
            "default": format!("{address}/root1/"), "api_roots": [format!("{address}/root1/")],
        },
        "root1": {
            "information": {"title": "Root", "description": "", "versions": [TYPE], "max_content_length": 9765625},
            "status": [], "collections": [collection],
        },
    });
    let dir = std::env::temp_dir().join(format!("vauban-taxii-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("data.json"), data.to_string()).unwrap();
    let config = serde_json::json!({
        "backend": {
            "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
            "filename": dir.join("data.json"),
        },
        "users": {"admin": "Password0"},
        "taxii": {"max_page_size": 100},
    });
    std::fs::write(dir.join("config.json"), config.to_string()).unwrap();
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let child = Command::new(python)
        .args([
            "-c",
            "from medallion.scripts.run import main; main()",
            "--port",
            &port.to_string(),
        ])
        .arg(dir.join("config.json"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let server = Server(child);
    let mut waited = 0;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        waited += 1;
        let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(waited < 600, "the server did not start: {}", log());
        std::thread::sleep(Duration::from_millis(100));
    }

    let stranger = client(Auth::None).discover(&address).unwrap_err();
    assert!(
        matches!(stranger, TaxiiError::Status { status: 401, .. }),
        "{stranger}"
    );
    let client = client(Auth::Basic {
        user: "admin".into(),
        password: "Password0".into(),
    });
    let discovery = client.discover(&address).unwrap();
    assert_eq!(discovery.api_roots, [format!("{address}/root1/")]);
    let root = &discovery.api_roots[0];
    assert_eq!(client.root(root).unwrap().versions, [TYPE]);
    let collections = client.collections(root).unwrap();
    assert_eq!((collections.len(), collections[0].id.as_str()), (1, ID));
    assert!(collections[0].can_read);

    let mut pages = client.objects(root, ID, &ObjectsQuery::default());
    let all: Vec<Page> = pages.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(
        all.iter().map(|p| p.objects).collect::<Vec<_>>(),
        [100, 100, 50]
    );
    let mut ids = std::collections::BTreeSet::new();
    for page in &all {
        let bundle: serde_json::Value = serde_json::from_str(&page.bundle).unwrap();
        for object in bundle["objects"].as_array().unwrap() {
            ids.insert(object["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(ids.len(), COUNT, "every object once");
    let last = pages.added_last().unwrap().to_owned();
    assert!(last.starts_with("2025-01-11T09:00:00"), "{last}");

    // Only what is new since an instant, and nothing since the last.
    let since = |after: &str| {
        let query = ObjectsQuery {
            added_after: Some(after.into()),
            types: vec!["indicator".into()],
        };
        client
            .objects(root, ID, &query)
            .map(|p| p.unwrap().objects)
            .sum::<usize>()
    };
    assert_eq!(since("2025-01-11T00:00:00.000Z"), 9);
    assert_eq!(since(&last), 0);
    let missing = client
        .collections(&format!("{address}/nowhere/"))
        .unwrap_err();
    assert!(
        matches!(missing, TaxiiError::Status { status: 404, .. }),
        "{missing}"
    );
    drop(server);
    let _ = std::fs::remove_dir_all(&dir);
}
