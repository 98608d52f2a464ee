//! Sockets over real connections, with the numbered needs of real clients by name.

mod answering;
mod filters;
mod gateway;
mod holding;
mod lasting;
mod recovering;
mod rig;
mod telling;
mod wire;
