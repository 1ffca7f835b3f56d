//! What a server has said, and no more.

/// The answer to an [`Ask`](super::Ask).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done, and there is nothing to tell.
    Done,
    /// Numbers and states. Which ones depends on the dialect: a counter that it
    /// can't carry is absent, not zero.
    Facts(Vec<Fact>),
    /// The names of users, in the server's order.
    Users {
        /// 1-255 octets each, ISO 8859-1 by convention.
        names: Vec<Vec<u8>>,
        /// Whether these are all; `false` when the dialect has room for no more.
        complete: bool,
    },
}

/// One thing that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// For programs: `bytes`.
    pub name: &'static str,
    /// For people: `bytes relayed`.
    pub meaning: &'static str,
    /// What it is at this moment.
    pub value: Value,
}

/// The value of a [`Fact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// How many octets.
    Octets(u64),
    /// This many, or more: the dialect has room for no larger number.
    CountOrMore(u64),
    /// This many octets, or more.
    OctetsOrMore(u64),
    /// On or off.
    Switch(bool),
}
