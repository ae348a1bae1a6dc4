// SPDX-License-Identifier: Apache-2.0

/// What a request hands in: the body of a POST or PUT. RFC 9110 9.3.3, 9.3.4.
///
/// In memory, and sent at once behind the head: nobody is asked to continue first.
public struct Submission: Sendable {
  public enum Method: String, Sendable {
    case post = "POST"
    case put = "PUT"
  }

  public let method: Method
  /// For example `application/json`.
  public let contentType: String
  public let bytes: [UInt8]
  /// Whether it may be sent again when nobody knows whether the server took it.
  public let isIdempotent: Bool

  /// What is put somewhere is there once, however often it is put there. RFC 9110 9.2.2.
  public static func put(_ bytes: [UInt8], contentType: String) -> Submission {
    Submission(method: .put, contentType: contentType, bytes: bytes, isIdempotent: true)
  }

  /// `isIdempotent`: the server does the same for the second as for the first.
  public static func post(
    _ bytes: [UInt8], contentType: String, isIdempotent: Bool = false
  ) -> Submission {
    Submission(method: .post, contentType: contentType, bytes: bytes, isIdempotent: isIdempotent)
  }
}

/// What a server said to a submission.
public struct Answer: Hashable, Sendable {
  public let status: Int
  public let bytes: [UInt8]
  /// Bytes of an attempt before had gone out as well: the server may have taken that one already,
  /// and this is what it says to the second.
  public let isRepeated: Bool

  public init(status: Int, bytes: [UInt8], isRepeated: Bool = false) {
    self.status = status
    self.bytes = bytes
    self.isRepeated = isRepeated
  }

  /// 2xx.
  public var isSuccess: Bool { (200...299).contains(status) }
}
