// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
public import Deploy
import Linux

extension Sysroot {
  /// Opens the sysroot at `path` for the boot loader that the configuration names.
  ///
  /// Throws `notASysroot` in `deploy` also where there is no directory at all.
  public static func open(
    _ path: String, _ settings: Settings, environment: SysrootEnvironment = .running
  ) throws(UpdaterError) -> Sysroot {
    let wish = settings.loaderWish
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
  fileprivate var loaderWish: LoaderWish {
    switch loader {
    case .auto: .auto(fwEnvConfig: fwEnvConfig)
    case .bls: .entries
    case .none: .unmanaged
    case .uEnv: .uEnvironment
    case .ubootEnvironment: .ubootEnvironment(fwEnvConfig: fwEnvConfig)
    case .grub: .grub
    case .systemdBoot: .systemdBoot
    }
  }
}
