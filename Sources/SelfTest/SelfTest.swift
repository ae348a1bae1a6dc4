// SPDX-License-Identifier: Apache-2.0
import Linux

/// The checks that run in every build, also inside the device binaries (`coppice self-test`): what
/// may differ between boards, compilers and the libraries that were linked in. They need a
/// directory to write to and nothing else; no network beyond this machine, no root.
public enum SelfTest {
  /// Runs every check, with scratch files in a directory of its own that is removed afterwards.
  public static func run() -> Report {
    var report = Report()
    checkPlatform(&report)
    checkThreads(&report)
    checkCodec(&report)
    checkCompression(&report)
    checkXZ(&report)
    checkObjects(&report)
    checkBoot(&report)
    checkUptane(&report)
    guard let scratch = Scratch.make() else {
      report.fail("no directory to write to: tried TMPDIR, /tmp, /var/tmp and /run")
      return report
    }
    checkFiles(scratch, &report)
    checkCryptography(scratch, &report)
    checkRepo(scratch, &report)
    checkDelta(scratch, &report)
    checkTransport(scratch, &report)
    scratch.remove()
    return report
  }
}

/// A directory for the files of the checks.
struct Scratch {
  let path: String

  /// In the first of the usual places that can be written to.
  static func make() -> Scratch? {
    let suffix = Process.randomBytes(8).map { String($0, radix: 16) }.joined()
    let places = [Process.environment("TMPDIR") ?? "/tmp", "/tmp", "/var/tmp", "/run"]
    for place in places {
      do throws(Errno) {
        let directory = try FileDescriptor.openDirectory(place)
        try directory.makeDirectory("coppice-self-test-\(suffix)", mode: 0o700)
        return Scratch(path: "\(place)/coppice-self-test-\(suffix)")
      } catch { continue }
    }
    return nil
  }

  func remove() {
    do throws(Errno) { try FileDescriptor.openDirectory("/").removeTree(path) } catch {}
  }
}
