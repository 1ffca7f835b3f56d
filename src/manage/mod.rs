//! Management.
use crate::core::Core;
use crate::net::session::Session;
use std::net::IpAddr;
/// d
pub struct Dialect {
    /// n
    pub name: &'static str,
    /// t
    pub transport: Transport,
    /// l
    pub longest_input: usize,
}
/// t
pub enum Transport {
    /// t
    Tcp(fn(&Core, IpAddr) -> Box<dyn Session<Done = ()> + Send>),
}
/// d
pub static DIALECTS: &[Dialect] = &[Dialect {
    name: "shoes",
    transport: Transport::Tcp(|_, _| Box::new(S)),
    longest_input: 1024,
}];
struct S;
impl Session for S {
    type Done = ();
    fn advance(
        &mut self,
        _: &mut crate::net::session::Input,
        _: &mut Vec<u8>,
        _: std::time::Instant,
    ) -> crate::net::session::Next<()> {
        crate::net::session::Next::Close
    }
}
/// d
pub fn dialect(name: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|d| d.name == name)
}
