// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Pull

extension PullError: Reportable {
  var message: Message {
    switch self {
    case .ostree(let error): error.message
    case .transport(let error): error.message
    case .missing(let name, let url):
      Message(
        .transfer, "object-not-found", "object '\(name.path)' is not on the server: '\(url)'",
        hint: "is the upload to the server complete? try again later", url: url, path: name.path)
    case .corrupt(let name, let url, let found):
      Message(
        .refused, "checksum-mismatch",
        "object '\(name.path)' from '\(url)' has checksum \(found.hex)", url: url, path: name.path)
    case .malformed(let name, let url, let error):
      Message(
        .refused, "object-malformed",
        "object '\(name.path)' from '\(url)' is malformed: \(error.words)", url: url,
        path: name.path)
    case .tooLarge(let name, let url, let limit):
      Message(
        .refused, "object-too-large",
        "object '\(name.path)' from '\(url)' is larger than the \(limit) bytes it may have",
        url: url, path: name.path)
    case .unknownRef(let ref, let url):
      Message(
        .transfer, "unknown-remote-ref",
        "no such branch '\(ref)' in repository summary: '\(url)'",
        hint: "was it published, and is the summary up to date?", url: url)
    case .nothingNamed(let remote):
      Message(
        .usage, "nothing-named",
        "neither the command nor 'branches' of remote '\(remote)' names a ref",
        hint: "name a ref or a checksum behind the remote")
    case .noSummary(let url):
      Message(
        .transfer, "no-summary", "the remote has no summary: '\(url)'",
        hint: "'ostree summary -u' makes one on the server", url: url)
    case .summaryMalformed(let url, let error):
      Message(
        .refused, "summary-malformed", "summary '\(url)' is malformed: \(error.words)", url: url)
    case .summaryUnsigned(let url):
      Message(
        .refused, "summary-unsigned", "summary '\(url)' is not signed, and the remote demands it",
        hint: "'ostree sign' and 'ostree summary' sign it on the server", url: url)
    case .summaryRefused(let url):
      Message(
        .refused, "summary-signature-refused",
        "no signature of summary '\(url)' was made by a trusted key", hint: PullError.keys, url: url
      )
    case .notARepo(let url):
      Message(.transfer, "not-a-remote-repo", "no OSTree repo is at '\(url)'", url: url)
    case .notArchive(let url, let mode):
      Message(
        .failed, "not-an-archive", "the repo at '\(url)' is of mode '\(mode)'",
        hint: "only a repo of mode 'archive' can be pulled from over http", url: url)
    case .refMalformed(let ref, let url):
      Message(.refused, "ref-malformed", "ref '\(ref)' at '\(url)' names no checksum", url: url)
    case .unsigned(let commit, let url):
      Message(
        .refused, "commit-unsigned",
        "commit '\(commit.hex)' from '\(url)' is not signed, and the remote demands it",
        hint: "'ostree sign' signs it on the server", url: url)
    case .signatureRefused(let commit, let url):
      Message(
        .refused, "signature-refused",
        "no signature of commit '\(commit.hex)' from '\(url)' was made by a trusted key",
        hint: PullError.keys,
        url: url)
    case .noKeys(let remote):
      Message(
        .usage, "no-keys", "remote '\(remote)' demands signatures, and no key is trusted for it",
        hint: "set 'verification-ed25519-key' or 'verification-ed25519-file' of the remote")
    case .gpgDemanded(let remote):
      Message(
        .failed, "gpg-demanded",
        "remote '\(remote)' demands GPG signatures, which coppice does not check",
        hint: "set 'gpg-verify=false' and, for signatures, 'sign-verify=ed25519' of the remote")
    case .delta(let path, let fault): fault.message(path)
    case .deltaCorrupt(let url, let found):
      Message(
        .refused, "delta-checksum-mismatch",
        "superblock '\(url)' of a static delta has checksum \(found.hex), which the summary or "
          + "index does not have",
        hint: "is the upload to the server complete? '--disable-static-deltas' goes without",
        url: url)
    case .deltaSignatureRefused(let url):
      Message(
        .refused, "delta-signature-refused",
        "no signature of superblock '\(url)' of a static delta was made by a trusted key",
        hint: PullError.keys, url: url)
    case .refBinding(let ref, let commit, let bound):
      Message(
        .refused, "ref-binding",
        "commit '\(commit.hex)' is for \(PullError.list(bound)), not for ref '\(ref)'")
    case .collectionBinding(let expected, let commit, let found):
      Message(
        .refused, "collection-binding",
        "commit '\(commit.hex)' is of collection '\(found ?? "none")', not of '\(expected)'")
    case .older(let ref, let commit, let timestamp, let than):
      Message(
        .refused, "older-commit",
        "commit '\(commit.hex)' of \(PullError.time(timestamp)) is older than that of ref '\(ref)' "
          + "here, of \(PullError.time(than))",
        hint: "'--allow-downgrade' takes it all the same")
    case .treeTooDeep(let commit, let limit):
      Message(
        .refused, "tree-too-deep",
        "the tree of commit '\(commit.hex)' is deeper than \(limit) levels")
    case .treeTooLarge(let commit, let limit):
      Message(
        .refused, "tree-too-large",
        "the tree of commit '\(commit.hex)' has more than \(limit) entries, repetitions included")
    case .tooManyFolders(let name, let limit):
      Message(
        .refused, "tree-too-large",
        "with those of '\(name.path)' the tree has more than \(limit) distinct folders")
    case .noSpace(let path, let needed, let free):
      Message.noSpace(path, neededBytes: needed, freeBytes: free)
    case .unconfigured(let remote, let text):
      Message(.usage, "remote-unconfigured", "remote '\(remote)' is not set up: \(text)")
    case .unsupportedLocation(let remote, let location):
      Message(
        .failed, "unsupported-location",
        "remote '\(remote)' is found by '\(location)', which coppice cannot read",
        hint: "set 'url' of the remote")
    case .customBackend(let remote, let name):
      Message(
        .failed, "custom-backend",
        "remote '\(remote)' is the business of another program, '\(name)'")
    case .interrupted:
      Message(
        .failed, "interrupted", "interrupted by a signal",
        hint: "run it again: it continues where it stopped")
    }
  }

  private static let keys = "see the 'verification-ed25519' keys of the remote"

  private static func list(_ refs: [String]) -> String {
    refs.isEmpty ? "no ref" : refs.map { "'\($0)'" }.joined(separator: ", ")
  }

  private static func time(_ timestamp: UInt64) -> String {
    Timestamp.text(seconds: Int64(clamping: timestamp))
  }
}
