//! A button is pressed on this page, and not by another site's page in the same browser.
//!
//! Three things have to agree. The browser says that the request is of the same origin (`Sec-Fetch-Site`, and `Origin`, which is compared with `Host`).
//! The host's name is one that is known, since another site's name may be made to lead to this address after its page was loaded. And the request has
//! the page's token, a random number of this process, which no page of another origin can read.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) struct Origin {
    token: String,
    hosts: Vec<String>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Elsewhere,
    NoBrowser,
    UnknownHost,
    NoToken,
    OtherToken,
}

impl Origin {
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self { token: random(), hosts }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A request without a browser's headers is a program's, which has no rights but its own.
    pub(super) fn check_reader(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
        match (same_site(headers), same_origin(headers, uri)) {
            (Some(false), _) | (_, Some(false)) => Err(Refusal::Elsewhere),
            _ => Ok(()),
        }
    }

    pub(super) fn check_writer(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
        self.check_reader(headers, uri)?;
        if same_site(headers).or(same_origin(headers, uri)).is_none() {
            return Err(Refusal::NoBrowser);
        }
        let known = host(headers, uri)
            .is_some_and(|host| is_local(host) || self.hosts.iter().any(|name| name.eq_ignore_ascii_case(host)));
        if known { Ok(()) } else { Err(Refusal::UnknownHost) }
    }

    pub(super) fn check_token(&self, token: &str) -> Result<(), Refusal> {
        if token.is_empty() {
            return Err(Refusal::NoToken);
        }
        // In a time that does not tell how many characters are right.
        let right: bool = self.token.as_bytes().ct_eq(token.as_bytes()).into();
        if right { Ok(()) } else { Err(Refusal::OtherToken) }
    }
}

/// 128 bits, as text.
pub(super) fn random() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The browser's word. `none`: a person has typed the address.
fn same_site(headers: &HeaderMap) -> Option<bool> {
    headers.get(SEC_FETCH_SITE).map(|site| site == "same-origin" || site == "none")
}

/// Whether `Origin` is the host that the request went to. Its scheme may be another: in front of a proxy that ends TLS.
fn same_origin(headers: &HeaderMap, uri: &Uri) -> Option<bool> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok().and_then(|origin| origin.split_once("://"));
    Some(origin.is_some_and(|(_, authority)| {
        self::authority(headers, uri).is_some_and(|own| own.eq_ignore_ascii_case(authority))
    }))
}

/// The host and the port that the request went to.
fn authority<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let authority = authority(headers, uri)?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    // The last colon of an address of version 6 may be a part of it.
    Some(if port.ends_with(']') { authority } else { host })
}

/// An address cannot be another site's name.
fn is_local(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elsewhere => "the request comes from a page of another origin; open `/pools` on this host",
            Self::NoBrowser => "the request has neither `Origin` nor `Sec-Fetch-Site`, which a browser sends; press the button on `/pools`",
            Self::UnknownHost => "the name in `Host` is not known to be this server's; use its address, or add the name to `Options::hosts`",
            Self::NoToken => "the field `token` is missing; press the button on `/pools`",
            Self::OtherToken => "the field `token` is not of this process, which was started after the page was loaded; load `/pools` again",
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::FORBIDDEN, self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let origin = Origin::new(vec!["pools.example".to_owned()]);
        let headers =
            headers.iter().map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        origin.check_writer(&headers, &Uri::from_static("/pools/collect"))
    }

    #[test]
    fn a_writer_is_a_page_of_this_host() {
        for host in [
            "127.0.0.1:80",
            "[::1]:80",
            "[::1]",
            "localhost:80",
            "LocalHost",
            "10.1.2.3",
            "pools.example:8080",
            "Pools.Example",
        ] {
            let origin = format!("http://{host}");
            assert_eq!(check(&[("host", host), ("origin", &origin)]), Ok(()), "{host}");
            assert_eq!(check(&[("host", host), ("sec-fetch-site", "same-origin")]), Ok(()), "{host}");
            assert_eq!(check(&[("host", host)]), Err(Refusal::NoBrowser), "{host}");
            for other in ["null", "", "http://other.example", "http://127.0.0.1:81", "http://[::1]:81", "127.0.0.1:80"]
            {
                assert_eq!(check(&[("host", host), ("origin", other)]), Err(Refusal::Elsewhere), "{host} {other}");
            }
            for site in ["same-site", "cross-site", ""] {
                let headers = [("host", host), ("origin", origin.as_str()), ("sec-fetch-site", site)];
                assert_eq!(check(&headers), Err(Refusal::Elsewhere), "{host} {site}");
            }
        }
    }

    /// The name is made to lead to this address when the other site's page has been loaded: then the origins are the same.
    #[test]
    fn a_name_that_leads_here_is_not_trusted_for_that() {
        for host in ["other.example:80", "pools.example.other", "127.0.0.1.other.example", "localhost.other", ""] {
            let origin = format!("http://{host}");
            let headers = [("host", host), ("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
            assert_eq!(check(&headers), Err(Refusal::UnknownHost), "{host}");
        }
    }

    #[test]
    fn a_token_is_of_its_process() {
        let (one, other) = (Origin::new(Vec::new()), Origin::new(Vec::new()));
        assert_eq!((one.check_token(one.token()), one.token().len()), (Ok(()), 32));
        assert_eq!(one.check_token(""), Err(Refusal::NoToken));
        for wrong in [other.token(), &one.token()[1..], &format!("{} ", one.token()), "ä"] {
            assert_eq!(one.check_token(wrong), Err(Refusal::OtherToken), "{wrong}");
        }
    }
}
