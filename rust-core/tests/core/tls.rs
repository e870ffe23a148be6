//! TCP: served to clients that the stated authority has certified, and to no other.

use std::fs;
use std::path::{Path, PathBuf};

use cell0_core::coded::Coded;
use cell0_core::proto::StatusRequest;
use cell0_core::proto::core_service_client::CoreServiceClient;
use cell0_core::ready::Address;
use cell0_core::serve::{Core, Endpoint, Options};
use cell0_core::tls::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as PEM.
fn certified_by(authority: &Authority) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn file(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn options(directory: &Path, authority: &Authority) -> Options {
    let (certificate, key) = certified_by(authority);
    Options {
        data_dir: directory.join("core"),
        endpoint: Endpoint::Tcp(
            "127.0.0.1:0".parse().unwrap(),
            TlsFiles {
                certificate: file(directory, "core.pem", &certificate),
                key: file(directory, "core.key", &key),
                client_ca: file(directory, "ca.pem", &authority.pem()),
            },
        ),
        genesis_hash: None,
    }
}

async fn ask(port: u16, tls: Option<ClientTlsConfig>) -> Result<u32, ()> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Channel::from_shared(format!("{scheme}://localhost:{port}")).unwrap();
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).unwrap();
    }
    let channel = endpoint.connect().await.map_err(|_| ())?;
    let answer = CoreServiceClient::new(channel)
        .status(StatusRequest {})
        .await;
    answer
        .map(|status| status.into_inner().protocol)
        .map_err(|_| ())
}

#[tokio::test]
async fn only_a_client_with_a_certificate_of_the_authority_is_served() {
    let directory = TempDir::new().unwrap();
    let ours = authority();
    let core = Core::bind(options(directory.path(), &ours)).await.unwrap();
    let Address::Tcp(address) = *core.address() else {
        panic!("listens on {:?}", core.address());
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(core.run(
        async {
            let _told_or_dropped = stopped.await;
        },
        std::future::pending(),
    ));

    let trusting = || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ours.pem()));
    let as_client = |authority: &Authority| {
        let (certificate, key) = certified_by(authority);
        trusting().identity(Identity::from_pem(certificate, key))
    };
    assert_eq!(ask(address.port(), Some(as_client(&ours))).await, Ok(1));
    assert_eq!(
        ask(address.port(), Some(trusting())).await,
        Err(()),
        "no certificate"
    );
    assert_eq!(
        ask(address.port(), Some(as_client(&authority()))).await,
        Err(()),
        "a stranger's"
    );
    assert_eq!(ask(address.port(), None).await, Err(()), "no TLS");

    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn files_that_make_no_tls_are_refused_by_code() {
    let ours = authority();
    let spoilt = |spoil: &dyn Fn(&mut TlsFiles, &Path)| {
        let directory = TempDir::new().unwrap();
        let mut options = options(directory.path(), &ours);
        if let Endpoint::Tcp(_, files) = &mut options.endpoint {
            spoil(files, directory.path());
        }
        (directory, options)
    };
    for ((_directory, options), code) in [
        (
            spoilt(&|files, dir| files.key = dir.join("missing")),
            "CORE_TLS_UNREADABLE",
        ),
        (
            spoilt(&|files, dir| files.client_ca = file(dir, "empty", "")),
            "CORE_TLS_UNUSABLE",
        ),
        (
            spoilt(&|files, _| files.key = files.certificate.clone()),
            "CORE_TLS_UNUSABLE",
        ),
        (
            spoilt(&|files, _| files.client_ca = files.key.clone()),
            "CORE_TLS_UNUSABLE",
        ),
    ] {
        assert_eq!(Core::bind(options).await.err().unwrap().code(), code);
    }
}
