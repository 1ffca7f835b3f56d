//! BIND and UDP ASSOCIATE (RFC 1928, sections 4, 6 and 7) over real sockets.

mod bind;
mod near;
mod proxy;
mod udp;
