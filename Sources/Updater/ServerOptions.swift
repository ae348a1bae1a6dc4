// SPDX-License-Identifier: Apache-2.0
public import Configuration
public import Transport

extension TransportOptions {
  /// How a server is spoken to, as the configuration has it in `[server]` and `[pull]`.
  public init(_ settings: Settings) {
    self.init()
    caFile = settings.caFile
    certificateFile = settings.certificate
    privateKeyFile = settings.privateKey
    lowSpeedSeconds = settings.lowSpeedTimeoutSeconds
    retriesMax = settings.retries
    limitRateBytesPerSecond = settings.limitRateBytesPerSecond
    switch settings.proxy {
    case .environment: proxy = .environment
    case .none: proxy = .none
    case .url(let url): proxy = HTTPURL(url).map { .url($0) } ?? .environment
    }
  }
}
