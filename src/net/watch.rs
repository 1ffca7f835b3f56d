//! Looking at relayed traffic without touching it.

/// What the relay lets watch its traffic.
///
/// The relay calls it with each chunk before the chunk is passed on, in order within a direction;
/// the two directions may call at the same time. So whatever answers a chunk is seen after it.
/// What came behind the request, before the relay began, counts as the first chunk up.
///
/// Both answer whether there is more to see. After `false`, in either direction, neither need be
/// called again and the relay may move bytes in a way that nobody can watch.
pub trait Watch: Send + Sync {
    /// `bytes` are about to go from the client to the target.
    fn up(&self, bytes: &[u8]) -> bool;

    /// `bytes` are about to go from the target to the client.
    fn down(&self, bytes: &[u8]) -> bool;
}
