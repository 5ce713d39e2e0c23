//! Parquet files: what is written is read again, in order, and the same bytes every time.

mod common;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use vauban_lake::{BATCH_ROWS, ParquetSink, Written};
use vauban_ocsf::{ArtefactId, EventSink, Evidence, Timestamp};

/// Writes `chunks` pieces that are filled by threads and handed over in order.
fn write(dir: &Path, chunks: u64, repeats: u64) -> Vec<Written> {
    let names = vec!["a.log".to_owned(), "b.log".to_owned()];
    let mut sink = ParquetSink::new(dir, names).unwrap();
    let pieces: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..chunks)
            .map(|c| {
                let mut piece = sink.chunk();
                scope.spawn(move || {
                    for n in 0..repeats {
                        for (i, mut event) in common::events().into_iter().enumerate() {
                            let offset = c * 1_000_000 + n * 1000 + i as u64;
                            event.evidence = Evidence {
                                artefact: ArtefactId(0),
                                offset,
                                length: 1,
                            };
                            event.time = Timestamp(offset as i64);
                            piece.event(&event);
                        }
                    }
                    piece.finish().unwrap()
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    for piece in pieces {
        sink.write(&piece).unwrap();
    }
    sink.close().unwrap()
}

fn offsets(path: &Path) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut all = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        for i in 0..batch.num_rows() {
            all.push(
                common::row(&batch, i)["evidence"]["offset"]
                    .as_i64()
                    .unwrap(),
            );
        }
    }
    all
}

#[test]
fn written_read_in_order_and_repeatable() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = write(one.path(), 4, 3);
    let again = write(two.path(), 4, 3);
    assert_eq!(files.len(), 12);
    let total: u64 = files.iter().map(|w| w.rows).sum();
    assert_eq!(total, 12 * common::events().len() as u64);
    for (a, b) in files.iter().zip(&again) {
        assert_eq!(
            std::fs::read(&a.path).unwrap(),
            std::fs::read(&b.path).unwrap(),
            "{a:?}"
        );
        let offsets = offsets(&a.path);
        assert_eq!(offsets.len() as u64, a.rows);
        assert!(offsets.is_sorted(), "{:?}", a.class);
    }
}

#[test]
fn full_batches_are_handed_out_early() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = ParquetSink::new(dir.path(), vec!["a.log".into(), "b.log".into()]).unwrap();
    let mut piece = sink.chunk();
    let event = &common::events()[0];
    let mut early = 0;
    for _ in 0..BATCH_ROWS * 2 + 5 {
        piece.event(event);
        let ready = piece.take_ready();
        early += ready.len();
        sink.write(&ready).unwrap();
    }
    assert_eq!(early, 2);
    sink.write(&piece.finish().unwrap()).unwrap();
    let written = sink.close().unwrap();
    assert_eq!(written[0].rows, BATCH_ROWS as u64 * 2 + 5);
    assert!(written[0].path.ends_with("authentication.parquet"));
}

#[test]
fn unknown_artefact_and_unusable_directory() {
    let dir = tempfile::tempdir().unwrap();
    let sink = ParquetSink::new(dir.path(), Vec::new()).unwrap();
    let mut piece = sink.chunk();
    piece.event(&common::events()[0]);
    assert_eq!(piece.finish().unwrap()[0].batch.num_rows(), 1);

    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let error = ParquetSink::new(&file.join("below"), Vec::new()).unwrap_err();
    assert!(error.to_string().contains("below"), "{error}");
}
