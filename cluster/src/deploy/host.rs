//! By which address others reach this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::Command;

use partita::{Error, ErrorKind, Result};

/// What is asked for when the machine may choose.
const AUTO: &str = "auto";
/// An address of the internet, to which nothing is sent: the way there starts at the address looked for.
const ANYWHERE: &str = "192.0.2.1:9";

/// The IPv4 address that `host` means here: an address, a name, or `auto` for the one that the machine's own way to
/// others starts from (the loopback, if there is no way).
///
/// # Errors
/// `Io` for a name that nobody knows.
pub fn resolve(host: &str) -> Result<Ipv4Addr> {
    match host.parse() {
        Ok(address) => Ok(address),
        Err(_) if host == AUTO => Ok(towards(ANYWHERE).unwrap_or(Ipv4Addr::LOCALHOST)),
        Err(_) => known(&format!("{host}:0")).map(|found| *found.ip()),
    }
}

/// The IPv4 address of a network interface such as `eth0` or `ib0`, as `ip` tells it.
///
/// # Errors
/// `Invalid` when there is no such interface or it has no address, `Io` without the program `ip`.
pub fn interface(name: &str) -> Result<Ipv4Addr> {
    let told = Command::new("ip").args(["-o", "-4", "addr", "show", "dev", name]).output().map_err(|e| {
        Error::io("ip", e).doing("find the address of an interface").help("give the address itself, by --host")
    })?;
    first_address(&String::from_utf8_lossy(&told.stdout)).ok_or_else(|| {
        let error = Error::invalid(format!("there is no interface `{name}` with an IPv4 address"));
        error.help("`ip -o -4 addr` lists them")
    })
}

/// The first address in lines such as `4: eth0    inet 10.0.0.7/24 brd …`.
fn first_address(told: &str) -> Option<Ipv4Addr> {
    let mut words = told.split_whitespace().skip_while(|word| *word != "inet");
    words.nth(1)?.split('/').next()?.parse().ok()
}

/// The address that this machine has on its way to `address` (`host:port`).
///
/// # Errors
/// `Io` when the name is unknown or there is no way.
pub(crate) fn towards(address: &str) -> Result<Ipv4Addr> {
    let there = known(address)?;
    // a datagram socket says which way it would take, and sends nothing
    let way = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|s| s.connect(there).and_then(|()| s.local_addr()));
    match way.map_err(|e| Error::system(e).doing(format!("find the way to {address}")))?.ip() {
        IpAddr::V4(ip) => Ok(ip),
        IpAddr::V6(_) => Ok(Ipv4Addr::LOCALHOST),
    }
}

/// Where `host:port` is, by IPv4.
pub(crate) fn known(address: &str) -> Result<std::net::SocketAddrV4> {
    let unknown = |what: String| {
        let error = Error::new(ErrorKind::Io { what }).doing(format!("find the address of {address}"));
        error.help("give a name that is known here, or an IPv4 address")
    };
    let mut found = address.to_socket_addrs().map_err(|e| unknown(e.to_string()))?;
    let found = found.find_map(|one| match one {
        SocketAddr::V4(four) => Some(four),
        SocketAddr::V6(_) => None,
    });
    found.ok_or_else(|| unknown("it has no IPv4 address".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found() {
        assert_eq!(resolve("10.1.2.3").unwrap(), Ipv4Addr::new(10, 1, 2, 3));
        assert_eq!(resolve("localhost").unwrap(), Ipv4Addr::LOCALHOST);
        resolve("auto").unwrap();
        assert_eq!(towards("127.0.0.1:80").unwrap(), Ipv4Addr::LOCALHOST);
        assert!(resolve("no such name").is_err());
    }

    #[test]
    fn interfaces_have_addresses() {
        let told = "4: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever\n";
        assert_eq!(first_address(told), Some(Ipv4Addr::new(10, 0, 0, 7)));
        assert_eq!(first_address(""), None);
        assert_eq!(first_address("4: eth0 inet"), None);
    }
}
