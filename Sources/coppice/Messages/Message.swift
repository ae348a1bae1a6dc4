// SPDX-License-Identifier: Apache-2.0

/// Why a command ends without success: what happened, to what, and what to do about it.
///
/// The text is one line in lower case without a full stop. It begins with the failure, has its
/// subject in quotes, names the URL or path, and both values where two differ. The exit code and
/// the name are an interface (listed in the manual) and are never given another meaning.
struct Message: Error, Sendable {
  let exit: ExitCode
  /// Stable, in lower case with hyphens, for example `object-missing`.
  let name: String
  let text: String
  let hint: String?
  let url: String?
  let path: String?

  init(
    _ exit: ExitCode, _ name: String, _ text: String, hint: String? = nil, url: String? = nil,
    path: String? = nil
  ) {
    self.exit = exit
    self.name = name
    self.text = text
    self.hint = hint
    self.url = url
    self.path = path
  }
}

/// An error of a module below, for which there are words here.
protocol Reportable: Error {
  var message: Message { get }
}

/// Runs `body` and gives its error the words that a person reads: the only place where an error of
/// a module becomes a message.
func reporting<R: ~Copyable, E: Reportable>(_ body: () throws(E) -> R) throws(Message) -> R {
  do throws(E) { return try body() } catch { throw error.message }
}
