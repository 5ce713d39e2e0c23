//! Drafts.
use crate::lang::Key as K;
/// `(when, what, to whom)` of the legal clocks, in order of time.
pub const CLOCKS: &[(K, K, K)] = &[
    (K::Clock24, K::DutyEarly, K::ToCsirt),
    (K::Clock72, K::DutyNotification, K::ToCsirt),
    (K::Clock72, K::DutyGdpr, K::ToDpa),
    (K::ClockNow, K::DutyPersons, K::ToPersons),
    (K::ClockMonth, K::DutyFinal, K::ToCsirt),
];
