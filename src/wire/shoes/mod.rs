//! SHOES 1.0: metrics, users and settings of a running server, over TCP.
//!
//! ```text
//! client                       server
//!   Login         --------->                        (section 2)
//!                 <---------   LoginStatus          (section 2)
//!   Request       --------->                        (section 3)
//!                 <---------   Response             (section 4)
//!   Request ...                                     any number of them, answered in order
//! ```
//!
//! After any status but 00 the server closes. Names and passwords are ISO 8859-1, which is to say:
//! octets of any value. The specification gives each at least one octet; a length of 0 decodes as
//! well, because it deserves a status and not silence.
//!
//! A response does not say what it answers, so [`Response::decode`] wants the request.

mod login;
mod request;
mod response;

pub use crate::wire::login::{LOGIN_VERSION as VERSION, Login, LoginError};
pub use login::LoginStatus;
pub use request::{Request, RequestError};
pub use response::{Response, ResponseError, Status};
