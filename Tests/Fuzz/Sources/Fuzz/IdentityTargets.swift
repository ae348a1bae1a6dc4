// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography

@testable import Gateway

extension FuzzTarget {
  static let identityTargets = [
    FuzzTarget(name: "zip") { bytes in
      guard let zip = try? ZipReader(bytes) else { return }
      for entry in zip.entries {
        guard let content = try? zip.read(entry, limit: 1 << 20) else { continue }
        require(content.count == entry.byteCount, "a member is as long as it is listed")
      }
      guard let first = zip.entries.first else { return }
      let rest = try? ZipReader(zip.without([first.name]))
      require(rest?.entries.count == zip.entries.count - 1, "without one there is one less")
    },
    FuzzTarget(name: "inflate") { bytes in
      _ = try? CompressedFile.gzip.unpack(bytes, limit: 1 << 20, memoryBytesMax: 1 << 20)
      _ = try? CompressedFile.xz.unpack(bytes, limit: 1 << 20, memoryBytesMax: 1 << 20)
    },
    FuzzTarget(name: "pkcs12") { bytes in
      guard let content = try? PKCS12(bytes, passphrase: "") else { return }
      let certificate = Certificate(pem: content.certificatePEM)
      _ = certificate?.fits(key: content.keyPEM)
    },
    // What a fleet's archive holds, handed over as far as the identity of a device; and the answer
    // of a server, which is a PKCS#12.
    FuzzTarget(name: "credentials") { bytes in
      if let identity = try? ClientIdentity(pkcs12: bytes, from: "") {
        require(!identity.file.isEmpty, "an identity has a key")
        _ = try? identity.verify(isOf: "device", from: "")
      }
      guard let archive = try? ServerCredentials("", archive: bytes) else { return }
      _ = (try? archive.url(), try? archive.identity())
      for name in [ServerCredentials.imageRootMember, ServerCredentials.directorRootMember] {
        _ = try? archive.root(name)
      }
      _ = try? archive.member(ServerCredentials.authorityMember)
    },
    FuzzTarget(name: "certificate") { bytes in
      guard let certificate = Certificate(pem: PEM.encode(bytes.span, label: "CERTIFICATE")) else {
        return
      }
      _ = (certificate.commonName, certificate.notBefore, certificate.notAfter)
    },
    FuzzTarget(name: "key") { bytes in
      let pem = PEM.encode(bytes.span, label: "PUBLIC KEY")
      let hex = Hex.encode(bytes.span)
      for key in [PublicKey(rsaPEM: pem), PublicKey(ecdsaPEM: pem), PublicKey(ecdsaDERHex: hex)] {
        guard let key else { continue }
        for scheme in SignatureScheme.allCases {
          require(!key.verify(bytes.span, signature: bytes.span, scheme), "no such signature")
        }
      }
      _ = PrivateKey(pem: PEM.encode(bytes.span, label: "PRIVATE KEY"))
    },
  ]
}
