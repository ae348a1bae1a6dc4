// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// OpenSSL's SHA-256 on bytes that are in memory: what no way to read a file can pass.
enum HashKernel {
  /// Stays in the first- or second-level cache.
  private static let bufferBytes = 64 << 10

  /// What OpenSSL is told that the CPU has. It looks only when it starts, so each choice but the
  /// first needs a process of its own.
  enum Instructions: String, CaseIterable {
    /// All that it has.
    case cpu
    /// Not the SHA-256 instructions.
    case noSHA = "no-sha"
    /// No vectors either.
    case scalar

    /// What says so in the environment. OPENSSL_ia32cap(3): bit 29 of the third word is SHA, 5 of
    /// it AVX2; 41 and 60 of the first are SSSE3 and AVX. On arm the bits are those of
    /// crypto/arm_arch.h: 1 is NEON.
    var variable: (name: String, value: String)? {
      #if arch(x86_64)
        switch self {
        case .cpu: nil
        case .noSHA: ("OPENSSL_ia32cap", ":~0x20000000")
        case .scalar: ("OPENSSL_ia32cap", "~0x1000020000000000:~0x20000020")
        }
      #else
        switch self {
        case .cpu: nil
        case .noSHA: ("OPENSSL_armcap", "1")
        case .scalar: ("OPENSSL_armcap", "0")
        }
      #endif
    }
  }

  /// How many buffers each of so many threads hashes.
  private static func rounds(_ bytes: UInt64, _ threads: Int) -> Int {
    Int(clamping: max(1, min(bytes, bytesMax) / UInt64(threads * bufferBytes)))
  }

  /// No run is longer, however much time there is.
  private static let bytesMax: UInt64 = 8 << 30

  /// Hashes `bytes` by so many threads, each its share.
  static func hash(bytes: UInt64, threads: Int) {
    let rounds = rounds(bytes, threads)
    Thread.fanOut(threads) { _ in
      var hash = SHA256()
      let buffer = [UInt8](repeating: 0x5A, count: bufferBytes)
      for _ in 0..<rounds { hash.update(buffer.span) }
      _ = hash.finish()
    }
  }

  /// What `hash` really hashes.
  static func amount(bytes: UInt64, threads: Int) -> UInt64 {
    UInt64(rounds(bytes, threads)) * UInt64(threads * bufferBytes)
  }

  /// Bytes a second on one core, roughly.
  static func estimate() -> UInt64 {
    var bytes = UInt64(bufferBytes)
    while true {
      let began = Clock.monotonicNanoseconds
      hash(bytes: bytes, threads: 1)
      let nanoseconds = Clock.monotonicNanoseconds - began
      if nanoseconds >= 5_000_000 { return Meter.rate(bytes, nanoseconds: nanoseconds) }
      bytes *= 2
    }
  }

  /// What the child of `measure` finds: three rates, of runs that together take about as long as is
  /// said.
  static func rates(nanoseconds: Int64) throws(BenchError) -> [UInt64] {
    let thirds = UInt64(min(max(nanoseconds, 3_000_000), 30_000_000_000) / 3_000_000)
    let bytes = estimate() / 1000 * thirds
    let amount = amount(bytes: bytes, threads: 1)
    var rates: [UInt64] = []
    for _ in 0..<3 {
      let took = try Meter.nanoseconds { () throws(BenchError) in hash(bytes: bytes, threads: 1) }
      rates.append(Meter.rate(amount, nanoseconds: took))
    }
    return rates
  }

  /// The rates that a process of its own finds; none if there cannot be one.
  static func measure(
    _ instructions: Instructions, _ scratch: Scratch, _ child: BenchChild, nanoseconds: Int64
  ) throws(BenchError) -> [UInt64] {
    let variables = instructions.variable.map { [$0] } ?? []
    // Where there can be no other process, the figures are missing and not more.
    do throws(BenchError) {
      return try child.figures(.kernel, ["\(nanoseconds)"], scratch, variables: variables) ?? []
    } catch {
      if case .interrupted = error { throw error }
      return []
    }
  }
}
