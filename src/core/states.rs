//! What a connection is doing, and how it ended.

use std::fmt;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Saying what it wants, or having it prepared.
    Handshake,
    /// Being served.
    Open,
    /// One side has sent all it had.
    HalfClosed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "handshake",
            Self::Open => "open",
            Self::HalfClosed => "half-closed",
        })
    }
}

/// How a connection ended, as the access log says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Both sides finished.
    Closed,
    /// The client's connection broke.
    ClientError,
    /// The target's connection broke.
    TargetError,
    /// No byte moved for the timeout.
    Idle,
    /// It did not say what it wants in time.
    HandshakeTimeout,
    /// The request was answered with a failure.
    Refused,
    /// Its login failed.
    LoginFailed,
    /// It broke the rules of the protocol.
    ProtocolError,
    /// The proxy in front of this server did not say whose connection it is.
    ProxyProtocolError,
    /// An admin cut it.
    Cut,
    /// The server stopped.
    Shutdown,
    /// Its user's quota was used up.
    Quota,
    /// Its user's time was over.
    Expired,
}

impl Ended {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Closed,
        Self::ClientError,
        Self::TargetError,
        Self::Idle,
        Self::HandshakeTimeout,
        Self::Refused,
        Self::LoginFailed,
        Self::ProtocolError,
        Self::ProxyProtocolError,
        Self::Cut,
        Self::Shutdown,
        Self::Quota,
        Self::Expired,
    ];
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::ClientError => "client-error",
            Self::TargetError => "target-error",
            Self::Idle => "idle",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::Refused => "refused",
            Self::LoginFailed => "login-failed",
            Self::ProtocolError => "protocol-error",
            Self::ProxyProtocolError => "proxy-protocol-error",
            Self::Cut => "cut",
            Self::Shutdown => "shutdown",
            Self::Quota => "quota",
            Self::Expired => "expired",
        })
    }
}
