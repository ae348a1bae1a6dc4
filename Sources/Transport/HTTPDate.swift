// SPDX-License-Identifier: Apache-2.0
internal import Codec

/// The one date format that HTTP still writes: `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 9110 5.6.7.
public enum HTTPDate {
  private static let months = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)
  /// 1 January 1970 was a Thursday.
  private static let weekdays = Array("ThuFriSatSunMonTueWed".utf8)

  /// From seconds since 1970; nil before that, and after the year 9999.
  public static func text(seconds: Int64) -> String? {
    guard (0..<253_402_300_800).contains(seconds) else { return nil }
    let plain = Array(Timestamp.text(seconds: seconds).utf8)  // 1994-11-06T08:49:37Z
    let month = Int(plain[5] - 48) * 10 + Int(plain[6] - 48)
    let weekday = Int(seconds / 86_400 % 7)
    var text = Array(weekdays[weekday * 3..<weekday * 3 + 3]) + Array(", ".utf8)
    text += plain[8..<10] + [0x20] + months[month * 3 - 3..<month * 3] + [0x20]
    text += plain[0..<4] + [0x20] + plain[11..<19] + Array(" GMT".utf8)
    return String(decoding: text, as: UTF8.self)
  }

  /// Seconds since 1970, or nil if `text` is not such a date.
  public static func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 29, bytes[3] == UInt8(ascii: ","),
      bytes[25...].elementsEqual(" GMT".utf8), bytes[19] == UInt8(ascii: ":"),
      bytes[22] == UInt8(ascii: ":"),
      let day = number(bytes, 5..<7), let month = month(bytes[8..<11]),
      let year = number(bytes, 12..<16), let hour = number(bytes, 17..<19),
      let minute = number(bytes, 20..<22), let second = number(bytes, 23..<25),
      (1...31).contains(day), hour < 24, minute < 60, second <= 60, year >= 1970
    else { return nil }
    let days = daysSince1970(year: year, month: month, day: day)
    return days * 86400 + hour * 3600 + minute * 60 + second
  }

  private static func number(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
    bytes[range].decimalNumber.flatMap { Int64(exactly: $0) }
  }

  private static func month(_ name: ArraySlice<UInt8>) -> Int64? {
    for index in 0..<12 where months[index * 3..<index * 3 + 3] == name { return Int64(index + 1) }
    return nil
  }

  /// Of the Gregorian calendar, counted in years that begin in March so that leap days are last.
  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146097 + dayOfEra - 719468
  }
}
