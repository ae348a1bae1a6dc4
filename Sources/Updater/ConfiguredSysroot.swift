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
    let wish = try settings.loaderWish()
    return try inDeploy { () throws(DeployError) in
      do throws(DeployError) {
        return try Sysroot.open(path, environment: environment, loader: wish)
      } catch {
        if case .file(path, .notFound) = error { throw .notASysroot(path: path) }
        throw error
      }
    }
  }
}

extension Settings {
  fileprivate func loaderWish() throws(UpdaterError) -> LoaderWish {
    switch loader {
    case .auto: .auto(fwEnvConfig: fwEnvConfig)
    case .bls: .entries
    case .none: .unmanaged
    case .uEnv: .uEnvironment
    case .ubootEnvironment: .ubootEnvironment(fwEnvConfig: fwEnvConfig)
    case .grub: .grub
    case .systemdBoot: throw .unsupportedLoader(loader)
    }
  }
}
