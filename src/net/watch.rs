//! A look at relayed traffic that never changes or delays it.

/// What the relay lets watch its traffic. Each chunk is shown before it is passed
/// on, in order within a direction.
pub trait Watch: Send + Sync {
    /// Octets from the client. `false` when it has seen enough: it is not called
    /// for this direction again, and the relay may use its fast path.
    fn up(&self, bytes: &[u8]) -> bool;

    /// Octets from the target; likewise.
    fn down(&self, bytes: &[u8]) -> bool;
}
