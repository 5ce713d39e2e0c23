//! PNG pictures (ISO/IEC 15948), eight-bit grey: a plan of rooms or a grainy photograph.

use crate::rng::Rng;
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

/// A picture of 5 to 40 KB.
pub(super) fn picture(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(50) {
        photo(rng)
    } else {
        plan(rng)
    }
}

/// A tiny picture such as a logo in a signature, about 1 KB.
pub(crate) fn logo(rng: &mut Rng) -> Vec<u8> {
    let (w, h) = (96usize, 32usize);
    let shade = rng.between(40, 160) as u8;
    let pixels: Vec<u8> = (0..w * h)
        .map(|i| {
            let (x, y) = (i % w, i / w);
            if (x + y) % 16 < 5 || y < 2 || y > h - 3 {
                shade
            } else {
                255 - (rng.below(6) as u8)
            }
        })
        .collect();
    encode(w, h, &pixels)
}

/// Grey pixels of a photograph: a horizon, a slope, and grain.
pub(super) fn pixels(rng: &mut Rng, w: usize, h: usize, grain: usize) -> Vec<u8> {
    let horizon = h / 3 + rng.below(h / 3 + 1);
    let slope = rng.between(-20, 20);
    (0..w * h)
        .map(|i| {
            let (x, y) = ((i % w) as i64, (i / w) as i64);
            let ground = y > horizon as i64 + slope * x / w as i64;
            let base = if ground {
                70 + x * 60 / w as i64
            } else {
                150 + y * 70 / h as i64
            };
            (base + rng.below(grain.max(1)) as i64).clamp(0, 255) as u8
        })
        .collect()
}

fn photo(rng: &mut Rng) -> Vec<u8> {
    let (w, h) = (160 + rng.below(100), 120 + rng.below(60));
    let grain = 2 + rng.below(9);
    let px = pixels(rng, w, h, grain);
    encode(w, h, &px)
}

fn plan(rng: &mut Rng) -> Vec<u8> {
    let (w, h) = (640usize, 420usize);
    let mut px = vec![250u8; w * h];
    for p in px.iter_mut() {
        if rng.chance(6) {
            *p -= rng.below(12) as u8;
        }
    }
    for _ in 0..rng.between(12, 40) {
        let (x, y) = (rng.below(w - 80), rng.below(h - 60));
        let (dx, dy) = (20 + rng.below(60), 15 + rng.below(45));
        for i in 0..=dx {
            px[y * w + x + i] = 20;
            px[(y + dy) * w + x + i] = 20;
        }
        for j in 0..=dy {
            px[(y + j) * w + x] = 20;
            px[(y + j) * w + x + dx] = 20;
        }
    }
    encode(w, h, &px)
}

fn encode(w: usize, h: usize, pixels: &[u8]) -> Vec<u8> {
    let mut z = ZlibEncoder::new(Vec::new(), Compression::new(6));
    for row in pixels.chunks(w) {
        // Filter 1 (Sub) on every row: each byte is the difference to the one before.
        let mut line = vec![1u8];
        line.extend(row.iter().scan(0u8, |before, p| {
            let d = p.wrapping_sub(*before);
            *before = *p;
            Some(d)
        }));
        // Writing to a vector cannot fail.
        let _ = z.write_all(&line);
    }
    let data = z.finish().unwrap_or_default();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend((w as u32).to_be_bytes());
    head.extend((h as u32).to_be_bytes());
    head.extend([8, 0, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"IDAT", &data);
    chunk(&mut out, b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(kind);
    out.extend(data);
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    out.extend(crc.sum().to_be_bytes());
}
