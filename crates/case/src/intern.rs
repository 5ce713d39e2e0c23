//! Strings and addresses as small numbers.
//!
//! Logs name the same accounts, addresses and browsers millions of times; records keep a number.
//! Each parsing thread fills its own tables, which are merged afterwards.

use hashbrown::HashTable;
use std::net::IpAddr;

/// A string of an [`Interner`]; 0 is the empty string.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sym(pub u32);

/// An address of an [`Interner`]; 0 is "not said".
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ip(pub u32);

/// FNV-1a, 64 bits: stable across machines and runs, which keeps results reproducible.
pub fn hash64(bytes: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for &b in bytes {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    // Finalise, so that tables that look at the top bits spread well.
    h ^= h >> 32;
    h.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The table.
#[derive(Debug)]
pub struct Interner {
    table: HashTable<u32>,
    ends: Vec<u32>,
    text: String,
    ip_table: HashTable<u32>,
    ips: Vec<IpAddr>,
}

impl Default for Interner {
    fn default() -> Self {
        let mut new = Self {
            table: HashTable::new(),
            ends: Vec::new(),
            text: String::new(),
            ip_table: HashTable::new(),
            ips: Vec::new(),
        };
        new.sym("");
        new
    }
}

fn ip_hash(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(v4) => hash64(&v4.octets()),
        IpAddr::V6(v6) => hash64(&v6.octets()),
    }
}

impl Interner {
    fn at(ends: &[u32], text: &str, index: u32) -> std::ops::Range<usize> {
        let _ = text;
        let end = ends[index as usize] as usize;
        let start = if index == 0 {
            0
        } else {
            ends[index as usize - 1] as usize
        };
        start..end
    }

    /// The number of a string, new or known. Beyond 4 GiB of distinct text every further string
    /// is the empty one; evidence lines still show the original.
    pub fn sym(&mut self, s: &str) -> Sym {
        let hash = hash64(s.as_bytes());
        let (ends, text) = (&self.ends, &self.text);
        if let Some(&i) = self
            .table
            .find(hash, |&i| &text[Self::at(ends, text, i)] == s)
        {
            return Sym(i);
        }
        if self.text.len() + s.len() > u32::MAX as usize {
            return Sym(0);
        }
        let index = self.ends.len() as u32;
        self.text.push_str(s);
        self.ends.push(self.text.len() as u32);
        let (ends, text) = (&self.ends, &self.text);
        self.table.insert_unique(hash, index, |&i| {
            hash64(text[Self::at(ends, text, i)].as_bytes())
        });
        Sym(index)
    }

    /// The number of a string, if known.
    pub fn find(&self, s: &str) -> Option<Sym> {
        let (ends, text) = (&self.ends, &self.text);
        self.table
            .find(hash64(s.as_bytes()), |&i| {
                &text[Self::at(ends, text, i)] == s
            })
            .map(|&i| Sym(i))
    }

    /// The string of a number.
    pub fn str(&self, sym: Sym) -> &str {
        &self.text[Self::at(&self.ends, &self.text, sym.0)]
    }

    /// The number of an address.
    pub fn ip(&mut self, ip: Option<IpAddr>) -> Ip {
        let Some(ip) = ip.map(canonical) else {
            return Ip(0);
        };
        let hash = ip_hash(ip);
        let ips = &self.ips;
        if let Some(&i) = self.ip_table.find(hash, |&i| ips[i as usize] == ip) {
            return Ip(i + 1);
        }
        let index = self.ips.len() as u32;
        self.ips.push(ip);
        let ips = &self.ips;
        self.ip_table
            .insert_unique(hash, index, |&i| ip_hash(ips[i as usize]));
        Ip(index + 1)
    }

    /// The address of a number.
    pub fn addr(&self, ip: Ip) -> Option<IpAddr> {
        (ip.0 != 0).then(|| self.ips[ip.0 as usize - 1])
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Never: the empty string is always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Takes another table's entries over and tells how its numbers translate.
    pub fn absorb(&mut self, other: &Interner) -> Translation {
        Translation {
            syms: (0..other.ends.len() as u32)
                .map(|i| self.sym(other.str(Sym(i))))
                .collect(),
            ips: std::iter::once(Ip(0))
                .chain(other.ips.iter().map(|&ip| self.ip(Some(ip))))
                .collect(),
        }
    }
}

/// IPv4-mapped IPv6 addresses are IPv4 addresses (dual-stack sockets log them so).
pub fn canonical(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// From one table's numbers to another's.
#[derive(Debug)]
pub struct Translation {
    syms: Vec<Sym>,
    ips: Vec<Ip>,
}

impl Translation {
    /// Translates a string's number in place.
    pub fn sym(&self, sym: &mut Sym) {
        *sym = self.syms[sym.0 as usize];
    }

    /// Translates an address's number in place.
    pub fn ip(&self, ip: &mut Ip) {
        *ip = self.ips[ip.0 as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_string_same_number_and_tables_merge() {
        let mut a = Interner::default();
        let x = a.sym("x");
        assert_eq!(a.sym("x"), x);
        assert_eq!(a.sym(""), Sym(0));
        assert_eq!(a.str(x), "x");
        let one = a.ip(Some("::ffff:192.0.2.1".parse().unwrap()));
        assert_eq!(a.addr(one), Some("192.0.2.1".parse().unwrap()));

        let mut b = Interner::default();
        b.sym("y");
        let mut bx = b.sym("x");
        let mut bip = b.ip(Some("192.0.2.1".parse().unwrap()));
        let t = a.absorb(&b);
        t.sym(&mut bx);
        t.ip(&mut bip);
        assert_eq!((bx, bip), (x, one));
        assert!(a.find("y").is_some());
        assert!(a.find("z").is_none());
    }
}
