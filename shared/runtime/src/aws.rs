//! How AWS is reached from Lambda: built by hand, because the general way looks in many places for
//! what Lambda puts into one, and that is paid at every cold start.
//!
//! Region and credentials are in the environment; there is no profile, no single sign-on and no
//! metadata service. AWS's certificates are signed by five roots of Amazon's own, so that these
//! five are read, instead of the hundred and fifty of the system.

use std::collections::BTreeMap;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use domain::fault::{Fault, Retry};
use std::time::Duration;

/// Amazon Root CA 1 to 4 and Starfield Services Root CA - G2.
/// Source: <https://www.amazontrust.com/repository/>, as Debian's ca-certificates carries them.
const ROOTS: &[u8] = include_bytes!("amazon-roots.pem");
/// How long a connection may take to open; another try is better than to wait longer.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try of a table, a queue or a secret may take, and all its tries together. They
/// answer in milliseconds; a call that is connected and never answered would else last as long as
/// its function, which is 10 seconds where a shopper waits.
const QUICK: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(6));
/// The same of all else: files come and go in megabytes, and letters and texts are sent by jobs.
const SLOW: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(1));

/// How AWS is reached by what these variables say: Lambda's own, and for an emulator of AWS
/// `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`.
pub fn config(variables: &BTreeMap<String, String>) -> Result<SdkConfig, Fault> {
    let said = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let roots = match said("AWS_CA_BUNDLE") {
        Some(path) => std::fs::read(path)
            .map_err(|error| Fault::new("read AWS_CA_BUNDLE", error, Retry::Useless))?,
        None => ROOTS.to_vec(),
    };
    let trusted = TrustStore::empty().with_pem_certificate(roots);
    let tls = TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(|error| Fault::new("trust Amazon's certificates", error, Retry::Useless))?;
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https();
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(said("AWS_REGION").cloned().map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard())
        .timeout_config(limits(SLOW))
        .http_client(http);
    if let Some(url) = said("AWS_ENDPOINT_URL") {
        config = config.endpoint_url(url);
    }
    Ok(config.build())
}

fn limits((attempt, operation): (Duration, Duration)) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// How long tables, queues and secrets are waited for. Where AWS is reached without limits they
/// have none: the emulators of the local shop stand still on purpose.
pub(crate) fn quick(aws: &SdkConfig) -> Option<TimeoutConfig> {
    let general = aws.timeout_config()?;
    let is_limited = general.operation_timeout().is_some();
    Some(if is_limited { limits(QUICK) } else { general.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<SdkConfig, Fault> {
        let all = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        config(&all.collect())
    }

    #[test]
    fn the_region_and_an_emulator_are_taken_from_the_environment() {
        let cloud = of(&[("AWS_REGION", "eu-central-1"), ("AWS_ENDPOINT_URL", "")]).unwrap();
        assert_eq!(cloud.region().map(AsRef::as_ref), Some("eu-central-1"));
        assert_eq!(cloud.endpoint_url(), None);
        assert!(cloud.http_client().is_some() && cloud.credentials_provider().is_some());
        let emulator = of(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]).unwrap();
        assert_eq!(emulator.endpoint_url(), Some("http://127.0.0.1:4566"));
    }

    #[test]
    fn nothing_is_waited_for_without_end_and_tables_not_for_long() {
        let cloud = of(&[]).unwrap();
        let general = cloud.timeout_config().unwrap();
        assert_eq!(general.connect_timeout(), Some(CONNECT));
        assert_eq!(general.operation_attempt_timeout(), Some(SLOW.0));
        assert_eq!(general.operation_timeout(), Some(SLOW.1));
        let quick = quick(&cloud).unwrap();
        assert_eq!(quick.connect_timeout(), Some(CONNECT));
        assert_eq!(quick.operation_attempt_timeout(), Some(QUICK.0));
        assert_eq!(quick.operation_timeout(), Some(QUICK.1));
        let local = SdkConfig::builder().build();
        assert!(super::quick(&local).is_none());
    }

    #[test]
    fn a_bundle_that_can_not_be_read_is_said() {
        let fault = of(&[("AWS_CA_BUNDLE", "/nowhere/roots.pem")]).unwrap_err();
        assert!(fault.to_string().contains("AWS_CA_BUNDLE"), "{fault}");
    }

    #[test]
    fn five_roots_are_believed() {
        let text = std::str::from_utf8(ROOTS).unwrap();
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 5);
    }
}
