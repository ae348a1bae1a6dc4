// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

extension BootOptions {
  /// The deployment behind `ostree=`, in the physical root at `root`. Throws `noDeployment`,
  /// `strangeBootLink` in `deploy`, and `missingTree` for a link that leads nowhere.
  public func namedDeployment(in root: String) throws(InitramfsError) -> BootedDeployment {
    guard let link = deployment else { throw .noDeployment }
    let directory = try at(root) { () throws(Errno) in try FileDescriptor.openDirectory(root) }
    let named = try inDeploy { () throws(DeployError) in
      try BootedDeployment(behind: link, in: directory)
    }
    let path = "\(root)/\(named.path)"
    let isThere = try at(path) { () throws(Errno) in
      try directory.statusIfPresent(of: named.path)?.type == .directory
    }
    if !isThere { throw .deploy(.missingTree(path: path)) }
    return named
  }
}

/// Runs calls of `Deploy`.
func inDeploy<Value: ~Copyable>(
  _ body: () throws(DeployError) -> Value
) throws(InitramfsError) -> Value {
  do throws(DeployError) { return try body() } catch { throw .deploy(error) }
}
