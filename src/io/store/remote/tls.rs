//! Who is trusted to be the server that was asked for.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS that trusts what the system trusts, or `anybody` with a certificate.
///
/// # Errors
/// Of the library, in theory.
pub fn client(anybody: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let versions = || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    if anybody {
        let verifier = Arc::new(Anybody(provider.clone()));
        return Ok(versions()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    }
    match versions()?.with_platform_verifier() {
        Ok(builder) => Ok(builder.with_no_client_auth()),
        // a system without certificates trusts nobody; stores without TLS can be reached all the same
        Err(_) => Ok(versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
    }
}

/// Checks that the server has the key of its certificate, not whose certificate it is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
