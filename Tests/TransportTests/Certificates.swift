// SPDX-License-Identifier: Apache-2.0
import Foundation
import Transport

/// An authority and what it signed, made by openssl(1) when the tests start.
final class Certificates: Sendable {
  static let shared = Certificates()

  private let folder: String

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  private init() {
    folder = NSTemporaryDirectory() + "coppice-certificates-\(getpid())"
    let script = """
      set -eu
      rm -rf "$1"; mkdir -p "$1"; cd "$1"
      authority() {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
          -subj "/CN=$1" -keyout "$1.key" -out "$1.pem"
      }
      # name, subject alternative name, authority, more arguments of openssl-ca(1)
      leaf() {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
          -keyout "$1.key" -out "$1.csr"
        printf 'subjectAltName=%s\\n' "$2" > "$1.ext"
        name=$1; names=$2; by=$3; shift 3
        openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial \
          -extfile "$name.ext" -out "$name.pem" "$@"
      }
      authority ca; authority other
      leaf good DNS:localhost,IP:127.0.0.1,IP:::1 ca -days 30
      leaf stranger DNS:localhost other -days 30
      leaf elsewhere DNS:example.org,IP:192.0.2.1 ca -days 30
      leaf expired DNS:localhost ca -days -1
      leaf client DNS:client ca -days 30
      leaf intruder DNS:client other -days 30
      # x509 sets no beginning in the future, ca does.
      mkdir new; : > index.txt; echo 01 > serial
      printf '[a]\\ndatabase=index.txt\\nserial=serial\\nnew_certs_dir=new\\ndefault_md=sha256\\n\
      policy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\n' > ca.conf
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=early \
        -keyout early.key -out early.csr
      echo subjectAltName=DNS:localhost > early.ext
      openssl ca -batch -config ca.conf -name a -cert ca.pem -keyfile ca.key -in early.csr \
        -out early.pem -extfile early.ext -startdate 20400101000000Z -enddate 20410101000000Z
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj /CN=self -addext subjectAltName=DNS:localhost -keyout self.key -out self.pem
      openssl pkcs8 -topk8 -in client.key -passout pass:secret -out locked.key
      echo nothing > empty.pem
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script, "certificates", folder]
    process.standardError = Pipe()
    process.standardOutput = Pipe()
    try! process.run()
    process.waitUntilExit()
    atexit {
      let folder = NSTemporaryDirectory() + "coppice-certificates-\(getpid())"
      try? FileManager.default.removeItem(atPath: folder)
    }
    precondition(process.terminationStatus == 0, "openssl made no certificates")
  }
}

/// Servers with those certificates.
enum TLSServer {
  static let good = Server("good")
  static let demanding = Server("good", ["--client-ca", Certificates.shared.path("ca.pem")])

  struct Server: Sendable {
    let server: FaultServer
    var port: Int { server.port }

    init(_ name: String, _ arguments: [String] = []) {
      let certificates = Certificates.shared
      server = FaultServer(
        [
          "--certificate", certificates.path("\(name).pem"), "--key",
          certificates.path("\(name).key"),
        ] + arguments)
    }

    func url(_ path: String, host: String = "localhost") -> HTTPURL {
      server.url(path, host: host, scheme: "https")
    }

    func log(_ key: String, _ options: TransportOptions) -> [String] {
      var own = options
      own.caFile = Certificates.shared.path("ca.pem")
      return server.log(key, scheme: "https", options: own)
    }
  }
}
