//! json, the server's side: HELLO, AUTH with a JWT, then requests.
//!
//! # Actions
//!
//! | action | data | answer |
//! |---|---|---|
//! | `AUTH` | `{"token":JWT}` | `{"sessionId":"sess_...","scopes":[...]}` |
//! | `PING` | | `{"timestamp":MS}` |
//! | `QUIT` | | `{"message":"Goodbye"}`, close |
//! | `GET_OS_INFO` | `{"seconds":1-3600}`, 60 | `{"uptimeSeconds":S,"os":"linux","samples":[{"cpu":0-1,"mem":MIB,"time":MS},...]}` |
//! | `GET_METRICS` | | `{"historic","current","maxCurrent","bytes","bytesUp","bytesDown","activeUsers","refused","failedLogins","uptimeSeconds"}` |
//! | `LIST_USERS` | `{"after":NAME}`, optional | `{"users":[NAME,...],"more":false}` |
//! | `ADD_USER` `EDIT_USER` | `{"name":NAME,"password":TEXT}` | `{}` |
//! | `REMOVE_USER` | `{"name":NAME,"cut":true}`, `cut` optional | `{}`, or `{"cut":COUNT}` |
//! | `DESCRIBE_USERS` | `{"after":NAME}`, optional | `{"users":[{"name","connections","bytesUp","bytesDown","usedToday","usedThisMonth","limits":{"max_connections","rate_up","rate_down","quota_day","quota_month","expires"}},...],"more":false}` |
//! | `LIMIT_USER` | `{"name":NAME,"limit":LIMIT,"value":VALUE}`, a member of `limits` | `{}` |
//! | `LIST_CONNECTIONS` | `{"after":ID}`, optional | `{"connections":[{"id","service","user","client","target","state","bytesUp","bytesDown","ageSeconds"},...],"more":false}` |
//! | `CUT_CONNECTION` | `{"id":ID}` | `{}` |
//! | `CUT_CONNECTION` | `{"user":NAME}` | `{"cut":COUNT}` |
//! | `GET_CONFIG` | | `{"timeout","max_connections","max_per_user","max_per_address","max_new_per_address","max_users","buffer_size","page_size","spoofing","maildir"}` |
//! | `SET_CONFIG` | `{"name":NAME,"value":VALUE}`, a member of `GET_CONFIG` | `{}` |
//! | `GET_RULES` | `{"list":LIST}`: `clients`, `targets` or `user:NAME` | `{"rules":[RULE,...]}` |
//! | `SET_RULES` | `{"list":LIST,"rules":[RULE,...]}`, see [`crate::core::rules`] | `{}` |
//!
//! Names and passwords are byte strings: the characters U+0000 to U+00FF are their
//! octets. `AUTH` needs nothing, `PING` and `QUIT` a session, `DESCRIBE_USERS` the scope
//! `LIST_USERS`, `LIMIT_USER` the scope `EDIT_USER`, every other action the scope of its
//! name; a removal that cuts needs no other. Limits are octets, or octets per second; 0
//! is no limit, and neither is the date `"never"`, which is answered as `null`. A list
//! that fills half a frame stops there and says `"more"`; it goes on with what is
//! `"after"` its last name or number.
//!
//! # Where the document is silent
//!
//! - What the core denies has no code of its own: it is a `BAD_REQUEST` with
//!   `details.reason`, one of `USER_EXISTS`, `USER_UNKNOWN`, `USERS_FULL`,
//!   `CONNECTION_UNKNOWN`, `BAD_NAME`, `BAD_PASSWORD`, `UNKNOWN_SETTING`, `BAD_VALUE`,
//!   `BAD_LIMIT`, `UNKNOWN_LIST`, `BAD_RULE`.
//! - A token with more than 8 KiB of scopes is an `INVALID_TOKEN`: answers repeat them.
//! - Of a `"msg"` over 1 KiB the middle is left out; it may repeat what was asked. An
//!   answer that would fit no frame is an `INTERNAL_ERROR`.
//! - A frame counts for the rate whatever it holds; one that was refused for the rate
//!   does not.
//! - The window of `GET_OS_INFO` begins with the request, and the answer comes when it
//!   is complete. Other requests are answered meanwhile, up to eight in flight. A
//!   client that has half-closed is waited on for a minute at most: the answer then
//!   holds what there is.
//! - `AUTH` again replaces the token. `QUIT` does not wait for what is in flight.
//! - `"heartbeat"` is advice: a client that says `PING` that often is never idle.
//! - A session that ends by itself says so without an id: `TOKEN_EXPIRED`, or
//!   `CONNECTION` after 30 minutes without a request.

mod actions;
mod host;
mod hs256;
mod rate;
mod sampling;
mod session;
mod token;
mod users;

pub use actions::scopes;
pub use host::{Host, ThisHost};
pub use session::JsonSession;
pub use token::{BadToken, Grant, JwtKey};
