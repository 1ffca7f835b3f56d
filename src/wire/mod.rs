//! Bytes to values and back: pure codecs, one room per protocol.
