"""Certificates for loopback: an authority of the test run, and what it issues.

Knows nothing of who serves with them: the API server and the fault proxy do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCertificate:
    """Files in PEM: the authority to trust, the certificate for 127.0.0.1 and localhost, its key."""

    authority: Path
    certificate: Path
    key: Path


def issue(folder: Path, name: str) -> ServingCertificate:
    """Makes a fresh authority and one certificate from it; the files are `folder/name-*.pem`."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    files = ServingCertificate(
        authority=folder / f"{name}-ca.pem", certificate=folder / f"{name}-cert.pem", key=folder / f"{name}-key.pem"
    )
    files.key.touch(mode=0o600)
    authority.cert_pem.write_to_path(files.authority)
    leaf.cert_chain_pems[0].write_to_path(files.certificate)
    leaf.private_key_pem.write_to_path(files.key)
    return files
