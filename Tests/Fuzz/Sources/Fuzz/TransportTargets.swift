// SPDX-License-Identifier: Apache-2.0
@testable import Transport

extension FuzzTarget {
  static let transportTargets = [
    FuzzTarget(name: "http-head") { bytes in
      var scanner = HeadScanner()
      guard let end = try? scanner.end(in: bytes.span),
        let head = try? ResponseHead(bytes.span.extracting(0..<end))
      else { return }
      require((100...599).contains(head.status), "a status has three digits")
      _ = (head.isPersistent, head.contentRange.flatMap { ContentRange($0) })
      _ = RetryPolicy.seconds(retryAfter: head.retryAfter, date: head.date, now: 0)
      if let location = head.location {
        _ = HTTPURL("https://example.com/a/b")?.resolving(location)
      }
    },
    FuzzTarget(name: "url") { bytes in
      guard let url = HTTPURL(String(decoding: bytes, as: UTF8.self)) else { return }
      require(url.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a target is one word")
      _ = (url.resolving(url.target), url.appending("x y"))
    },
  ]
}
