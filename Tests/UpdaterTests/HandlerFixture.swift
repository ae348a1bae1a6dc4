// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import Updater

/// A handler that keeps what it was given in the file `current` of its folder, says each call in a
/// log, and ends as the test asks for.
final class HandlerFixture {
  let folder: TemporaryDirectory
  var state: String { folder.file("state") }
  var places: HandlerPlaces { HandlerPlaces(state: state) }

  static let ecu = HandledECU(serial: "gw-0001/radio", hardwareID: "radio")!

  init() throws {
    folder = try TemporaryDirectory("handler")
    try install("etc/radio", Self.script(folder.path))
    try folder.makeDirectory("kept")
  }

  /// Copied by a program: what this process has open for writing, in a child of another test too,
  /// cannot be executed.
  func install(_ name: String, _ script: String, mode: String = "755") throws {
    let written = try folder.write(script, to: "written")
    _ = try mustRun("install", "-D", "-m", mode, written, folder.file(name))
  }

  private static func script(_ path: String) -> String {
    """
    #!/bin/sh
    set -eu
    test="\(path)"
    echo "$1 $COPPICE_TARGET" >>"$test/log"
    env | grep ^COPPICE_ | sort >"$test/environment"
    # What a power cut just now would leave.
    count=$(wc -l <"$test/log")
    cp "$test/state/handled-targets" "$test/kept/record-$count"
    cp current "$test/kept/current-$count" 2>/dev/null || :
    if [ -e "$test/$1.exit" ]; then exit "$(cat "$test/$1.exit")"; fi
    case $1 in
      apply) [ $# = 2 ]; cp "$2" current ;;
      verify) [ $# = 1 ]; cmp -s current "$COPPICE_FILE" ;;
      revert)
        [ $# = 1 ]
        if [ -n "$COPPICE_PREVIOUS_FILE" ]; then cp "$COPPICE_PREVIOUS_FILE" current
        else rm -f current; fi ;;
    esac
    """
  }

  /// Lets the next calls of this verb end with the code; nil: as they do.
  func end(_ verb: HandlerVerb, with code: Int?) throws {
    let name = "\(verb.rawValue).exit"
    if let code {
      try folder.write("\(code)", to: name)
    } else {
      try? FileManager.default.removeItem(atPath: folder.file(name))
    }
  }

  /// A target whose content is its name, and is fetched.
  func target(_ name: String, correlation: String? = nil) throws -> HandledTarget {
    let bytes = Array(name.utf8)
    let content = try #require(
      TargetContent(lengthBytes: UInt64(bytes.count), sha256: SHA256.hash(bytes)))
    try folder.write(bytes, to: "state/targets/\(content.fileName)")
    return try #require(
      HandledTarget(
        name: name, version: "7", format: "BINARY", content: content, correlationID: correlation))
  }

  func job(
    _ name: String, correlation: String? = nil, with system: HandledSystem? = nil,
    for ecu: HandledECU = HandlerFixture.ecu, custom: JSONNode? = nil
  ) throws -> HandlerJob {
    HandlerJob(try target(name, correlation: correlation), for: ecu, custom: custom, with: system)
  }

  func handlers(limitSeconds: Int = 10) -> Handlers {
    Handlers(
      stateFolder: state, folders: [folder.file("etc"), folder.file("usr")],
      limitSeconds: limitSeconds)
  }

  @discardableResult
  func run(
    _ jobs: [HandlerJob]?, _ situation: HandlerSituation = HandlerSituation(boot: "one"),
    isForced: Bool = false, limitSeconds: Int = 10
  ) throws -> HandlerReport {
    try Result { () throws(UpdaterError) in
      try handlers(limitSeconds: limitSeconds).run(jobs, situation, isForced: isForced)
    }.get()
  }

  func slot(_ ecu: HandledECU = HandlerFixture.ecu) throws -> HandlerSlot {
    let slots = try Result { () throws(UpdaterError) in try handlers().slots() }.get()
    return try #require(slots.first { $0.ecu == ecu })
  }

  /// What the handler's world is.
  func current(_ ecu: HandledECU = HandlerFixture.ecu) throws -> String? {
    let path = places.folder(of: try slot(ecu)) + "/current"
    return FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The calls since the last time that this was asked.
  func calls() throws -> [String] {
    let log = (try? folder.readText("log")) ?? ""
    try folder.write("", to: "log")
    return log.split(separator: "\n").map(String.init)
  }
}

extension HandledSystem {
  static let old = HandledSystem(stateroot: "poky", commit: SHA256.hash([1]))
  static let new = HandledSystem(stateroot: "poky", commit: SHA256.hash([2]))
}

extension HandlerSituation {
  /// The old system runs in the boot `one`, before, while and after the new one is deployed.
  static var before: HandlerSituation { old(next: .old) }
  static var deploying: HandlerSituation {
    var situation = before
    situation.coming = .new
    return situation
  }
  static var deployed: HandlerSituation { old(next: .new) }

  private static func old(next: HandledSystem) -> HandlerSituation {
    var situation = HandlerSituation(boot: "one")
    (situation.running, situation.next) = (.old, next)
    return situation
  }

  /// The new one runs.
  static func new(boot: String = "two", isProven: Bool) -> HandlerSituation {
    var situation = HandlerSituation(boot: boot)
    (situation.running, situation.next, situation.isProven) = (.new, .new, isProven)
    return situation
  }

  /// The old one runs again, since the new one did not prove itself.
  static var fellBack: HandlerSituation {
    var situation = HandlerSituation(boot: "three")
    (situation.running, situation.next, situation.rejected) = (.old, .old, [.new])
    return situation
  }
}
