// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
public import Deploy
import Linux

extension Sysroot {
  /// Opens the sysroot at `path` for the boot loader that the configuration names.
  ///
  /// Throws `unsupportedLoader` for those that this version does not know, and `notASysroot` in
  /// `deploy` also where there is no directory at all.
  public static func open(
    _ path: String, _ settings: Settings, environment: SysrootEnvironment = .running
  ) throws(UpdaterError) -> Sysroot {
    let loader = try settings.bootLoader()
    return try inDeploy { () throws(DeployError) in
      do throws(DeployError) {
        return try Sysroot.open(path, environment: environment, loader: loader)
      } catch {
        if case .file(path, .notFound) = error { throw .notASysroot(path: path) }
        throw error
      }
    }
  }
}

extension Settings {
  /// Nil: to be found out from the repo's configuration and `/boot`.
  fileprivate func bootLoader() throws(UpdaterError) -> BootLoader? {
    switch loader {
    case .auto: nil
    case .bls, .none: .entries
    case .uEnv: .uEnvironment
    case .ubootEnvironment, .grub, .systemdBoot: throw .unsupportedLoader(loader)
    }
  }
}
