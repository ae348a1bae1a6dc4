// SPDX-License-Identifier: Apache-2.0

/// Points in time as text, in UTC and in seconds since 1970. RFC 3339.
public enum Timestamp {
  private static let secondsPerDay: Int64 = 86_400

  /// For example `2026-11-21T00:12:44Z`. Years before 0 or after 9999, which the RFC does not
  /// know, have a sign or more digits.
  public static func text(seconds: Int64) -> String {
    var days = seconds / secondsPerDay
    var rest = seconds % secondsPerDay
    if rest < 0 { (days, rest) = (days - 1, rest + secondsPerDay) }
    let (year, month, day) = date(daysSince1970: days)
    let sign = year < 0 ? "-" : ""
    return sign + padded(year.magnitude, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
      + "T" + padded(rest / 3600, 2) + ":" + padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2)
      + "Z"
  }

  /// Seconds since 1970, a fraction cut off; any offset from UTC is understood. A leap second
  /// counts as the second after it. Nil for everything that RFC 3339 does not allow.
  public static func parse(_ text: String) -> Int64? {
    var reader = TimestampReader(text: Array(text.utf8))
    guard let year = reader.number(digits: 4), reader.take("-"),
      let month = reader.number(digits: 2), (1...12).contains(month), reader.take("-"),
      let day = reader.number(digits: 2), day >= 1, day <= daysIn(month: month, of: year),
      reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.number(digits: 2), hour < 24, reader.take(":"),
      let minute = reader.number(digits: 2), minute < 60, reader.take(":"),
      let second = reader.number(digits: 2), second <= 60, reader.skipFraction(),
      let offset = reader.offset(), reader.isAtEnd
    else { return nil }
    let time = (hour * 60 + minute) * 60 + min(second, 59) - offset
    let seconds = daysSince1970(year: year, month: month, day: day) * secondsPerDay + time
    if second < 60 { return seconds }
    // A leap second is the last of a day in UTC.
    return (seconds + 1) % secondsPerDay == 0 ? seconds + 1 : nil
  }

  private static func padded<T: BinaryInteger>(_ value: T, _ digits: Int) -> String {
    var text = String(UInt64(value))
    while text.utf8.count < digits { text = "0" + text }
    return text
  }

  private static func daysIn(month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  // The Gregorian calendar repeats every 400 years of 146,097 days. Years are counted from March,
  // so that the leap day is the last of its year and months before it have fixed lengths.
  private static let daysPerEra: Int64 = 146_097
  /// From 1 March of the year 0 to 1 January 1970.
  private static let daysBefore1970: Int64 = 719_468

  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let marchYear = month > 2 ? year : year - 1
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * daysPerEra + dayOfEra - daysBefore1970
  }

  private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + daysBefore1970
    let era = (shifted >= 0 ? shifted : shifted - (daysPerEra - 1)) / daysPerEra
    let dayOfEra = shifted - era * daysPerEra
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }
}

/// Takes a timestamp apart, character by character.
private struct TimestampReader {
  let text: [UInt8]
  var position = 0

  init(text: [UInt8]) { self.text = text }

  var isAtEnd: Bool { position == text.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func digit() -> Int64? {
    guard position < text.count, (0x30...0x39).contains(text[position]) else { return nil }
    position += 1
    return Int64(text[position - 1] - 0x30)
  }

  mutating func number(digits: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// False if there is a point without digits.
  mutating func skipFraction() -> Bool {
    guard take(".") else { return true }
    guard digit() != nil else { return false }
    while digit() != nil {}
    return true
  }

  /// Seconds that local time is ahead of UTC.
  mutating func offset() -> Int64? {
    if take("Z") || take("z") { return 0 }
    let isAhead = take("+")
    guard isAhead || take("-"), let hours = number(digits: 2), hours < 24, take(":"),
      let minutes = number(digits: 2), minutes < 60
    else { return nil }
    let seconds = (hours * 60 + minutes) * 60
    return isAhead ? seconds : -seconds
  }
}
