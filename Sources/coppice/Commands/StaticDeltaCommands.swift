// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree
import Pull

extension Command {
  static let staticDelta = Command(
    "static-delta", "applies static deltas that are files", commands: [applyOffline])

  private static let applyOffline = Command(
    "apply-offline", "puts the commit of a static delta into the repo",
    details: "PATH is a superblock with its parts inside, as 'ostree static-delta generate "
      + "--inline --filename' writes it, or a folder of a superblock and parts. With a KEY, an "
      + "ed25519 key in base64, the delta must be signed by one of them. The commit that it "
      + "starts from must be here; no ref is changed.",
    operands: [.one("PATH"), .any("KEY")]
  ) { session throws(Message) in
    let arguments = session.arguments
    let keys = try StaticDelta.keys(arguments.operands.dropFirst())
    let repo = try session.writableRepo()
    Process.catchInterrupts()
    let result: PullResult
    do throws(PullError) {
      let delta = try OfflineDelta(arguments.operands[0])
      result = try delta.apply(to: repo, keys: keys, PullProgress()) {
        session.progress.update(PullCommand.state($0))
      }
      session.progress.finish()
    } catch {
      session.progress.finish()
      throw error.message
    }
    DeltaText.show(result.deltas, session)
    return try StaticDelta.show(result, session.terminal)
  }
}

private enum StaticDelta {
  /// Nil where none is given: nothing need be signed then.
  static func keys(_ words: ArraySlice<String>) throws(Message) -> TrustedKeys? {
    if words.isEmpty { return nil }
    var keys = TrustedKeys()
    for word in words {
      guard let key = Base64.decode(word), key.count == Ed25519.publicKeyByteCount else {
        throw Message(
          .usage, "bad-key", "'\(word)' is no ed25519 key in base64",
          hint: "a public key has 44 characters")
      }
      keys.add(key, .ed25519)
    }
    return keys
  }

  static func show(_ result: PullResult, _ terminal: Terminal) throws(Message) -> Outcome {
    let commit = result.commits[0].hex
    try terminal.line(
      result.deltas.isEmpty
        ? "commit \(commit) is here already"
        : "commit \(commit): \(result.fetchedMetadata) metadata, \(result.fetchedContent) content "
          + "objects; \(HumanSize.text(result.writtenBytes)) written")
    return Outcome(members: [
      ("commit", .string(commit)), ("deltas", DeltaText.member(result.deltas)),
      ("written_bytes", .unsigned(result.writtenBytes)),
    ])
  }
}
