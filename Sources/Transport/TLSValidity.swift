// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Codec
internal import Linux

/// The time at which certificates of servers must be valid.
public struct ValidityTime: Hashable, Sendable {
  /// Since 1970.
  public var seconds: Int64
  /// False: nobody has set the clock since the machine started, and it may stand at some time in
  /// the past. Then a certificate that is not valid *yet* is not refused; one that has expired is.
  public var isCertain: Bool

  public init(seconds: Int64, isCertain: Bool) {
    (self.seconds, self.isCertain) = (seconds, isCertain)
  }

  /// By the clock, but no earlier than `floor` and than this executable was made.
  public static func now(floor: Int64) -> ValidityTime {
    let earliest = max(floor, BuildIdentity.seconds ?? 0)
    return ValidityTime(
      seconds: max(Clock.wallSeconds, earliest), isCertain: Clock.isSynchronised)
  }
}

/// Holds the dates of a server's certificates against a time that may be another than the clock's.
///
/// libssl could do it by itself, but takes the time as a `time_t`, which has 32 bits in the
/// libraries of some boards.
@safe struct TLSValidity: Sendable {
  private let time: ValidityTime

  init(_ time: ValidityTime) { self.time = time }

  /// Tells libssl that the dates are looked at here. X509_VERIFY_PARAM_set_flags(3).
  @unsafe static func leaveDates(_ context: OpaquePointer) {
    unsafe X509_VERIFY_PARAM_set_flags(
      SSL_CTX_get0_param(context), UInt(X509_V_FLAG_NO_CHECK_TIME))
  }

  /// What is wrong with the dates of the chain that was just verified, from the authority down.
  ///
  /// A session that is taken up again brings no chain: it was looked at when the session began,
  /// in this process. SSL_get0_verified_chain(3).
  @unsafe func failure(of ssl: OpaquePointer) -> CertificateFailure? {
    guard let chain = unsafe SSL_get0_verified_chain(ssl) else {
      return unsafe SSL_session_reused(ssl) == 1 ? nil : .unknownAuthority
    }
    guard let now = unsafe TLSValidity.date(time.seconds) else { return .expired }
    defer { unsafe ASN1_TIME_free(now) }
    for index in unsafe (0..<OPENSSL_sk_num(chain)).reversed() {
      guard let place = unsafe OPENSSL_sk_value(chain, index) else { continue }
      let certificate = OpaquePointer(place)
      // -2 for a date that cannot be read. ASN1_TIME_compare(3).
      if unsafe ASN1_TIME_compare(X509_get0_notAfter(certificate), now) < 0 { return .expired }
      let begin = unsafe ASN1_TIME_compare(X509_get0_notBefore(certificate), now)
      if begin == -2 || (begin > 0 && time.isCertain) { return .notYetValid }
    }
    return nil
  }

  /// From when on the server's own certificate is valid, in the chain that was just verified:
  /// seconds since 1970. Nil for a session that is taken up again, which brings none.
  @unsafe static func begin(of ssl: OpaquePointer) -> Int64? {
    guard let chain = unsafe SSL_get0_verified_chain(ssl),
      let leaf = unsafe OPENSSL_sk_value(chain, 0), let epoch = unsafe date(0)
    else { return nil }
    defer { unsafe ASN1_TIME_free(epoch) }
    var (days, seconds): (Int32, Int32) = (0, 0)
    // By the difference, since some boards' libraries have a `time_t` of 32 bits.
    guard
      unsafe ASN1_TIME_diff(
        &days, &seconds, epoch, X509_get0_notBefore(OpaquePointer(leaf))) == 1
    else { return nil }
    return Int64(days) * 86_400 + Int64(seconds)
  }

  /// Nil for a year that has not four digits. ASN1_TIME_set_string(3).
  private static func date(_ seconds: Int64) -> UnsafeMutablePointer<ASN1_TIME>? {
    let text = Timestamp.text(seconds: seconds).utf8.filter {
      $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "T")
    }
    guard let date = unsafe ASN1_TIME_new() else { die("no memory for a date") }
    if unsafe ASN1_TIME_set_string(date, String(decoding: text, as: UTF8.self)) == 1 {
      return unsafe date
    }
    unsafe ASN1_TIME_free(date)
    return nil
  }
}
