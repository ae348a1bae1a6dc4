// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Configuration
import Cryptography
import Deploy
import Linux
import OSTree
import Updater

extension Diagnosis {
  /// What was found, for a person.
  var words: String {
    switch finding {
    case .settings(let files): files.isEmpty ? "no file, all defaults" : Self.quoted(files)
    case .oddSetting(let warning): warning.words
    case .brokenSettings(let error): error.message.text
    case .missingFile(let path, let setting, let errno):
      "'\(setting.key)' in '[\(setting.section)]' names '\(path)': \(errno.reason)"
    case .sysroot(let path): "'\(path)'"
    case .loader(let found): Self.words(found)
    case .store(let count): Self.words(count)
    case .storeProof(let proof): Self.words(proof)
    case .unsafeStore(let path):
      "'\(path)' names one copy of more than a sector: a power cut while it is written destroys it"
    case .madeStore(let path): "the state behind '\(path)' was made anew"
    case .uncountedTrial(let deployment):
      "'\(deployment)' is on trial, and the boot loader does not count its starts"
    case .entriesBehind(let path):
      "the entries in '\(path)' are not those in /boot: a run was cut, or ostree deployed"
    case .fixedEntry(let name):
      "'\(name)' was chosen as the default in its menu: it boots whatever is deployed"
    case .repo(let path, let mode): "'\(path)', mode \(mode.configValue)"
    case .readOnlyRepo(let path): "'\(path)' cannot be written to"
    case .noLeftovers: "none"
    case .leftovers(let found):
      "\(found.objects) objects, \(HumanSize.text(found.bytes)), for the next pull to go on with"
    case .judgedLeftovers(let kept, let removed):
      "\(kept) sound objects kept for the next pull, \(removed) removed"
    case .completeCommits: "none is partial"
    case .partialCommit(let commit): "'\(commit.hex)' is partial"
    case .damagedCommit(let commit): "'\(commit.hex)' has lost objects"
    case .staleMarks(let count): "\(Self.marks(count)) of commits that are not in the repo"
    case .clearedMarks(let count): "\(Self.marks(count)) of commits that are not there removed"
    case .lockFree: "free"
    case .lockHeld(let path): "another coppice or ostree holds '\(path)'"
    case .room(let room):
      "'\(room.path)' has \(HumanSize.text(room.freeBytes)) free, of which "
        + "\(HumanSize.text(room.reservedBytes)) must stay so"
    case .bootLinks(let version): "'loader' leads to '\(version.loaderName)'"
    case .nothingInBoot: "nothing is set up to boot yet"
    case .noNextLink(let path): "'\(path)' is missing or leads to the entries in force"
    case .restoredNextLink(let path): "'\(path)' was made anew"
    case .deployments(let count): count == 1 ? "1, whole" : "\(count), whole"
    case .noDeployments: "none"
    case .missingTree(let path): "'\(path)' is gone, and a boot entry needs it"
    case .missingKernel(let path, let deployment):
      "'\(path)' is gone, and deployment '\(deployment)' needs it"
    case .staged(let name): "'\(name)' is staged by ostree: it is lost if the power goes first"
    case .clock(let seconds): Timestamp.text(seconds: seconds)
    case .clockBehind(let seconds, let floor):
      "\(Timestamp.text(seconds: seconds)) is before \(Timestamp.text(seconds: floor))"
    case .remote(let name, let url, let ref): "'\(name)', ref '\(ref)', '\(url)'"
    case .signatures(let remote): "'\(remote)' must sign its commits"
    case .noSignatures(_, let url, let isEncrypted):
      isEncrypted
        ? "none demanded: '\(url)' is believed whatever it sends"
        : "none demanded, and anybody on the way to '\(url)' can change what comes"
    case .certificates: "authorities and client certificate can be used"
    case .origin(let refspec): "'\(refspec)'"
    case .originDiffers(let refspec, let configured):
      "the deployment came from '\(refspec)', the configuration follows '\(configured)'"
    case .noOrigin(let deployment): "deployment '\(deployment)' has none"
    case .trust(let repository, let state): Self.trust(repository, state)
    case .noRoot(let repository, let takesFirst):
      takesFirst
        ? "no root of the \(repository) repository yet: the first one that the server has is taken"
        : "no root of the \(repository) repository"
    case .identity(let id, let url): "'\(id)' on '\(url)'"
    case .notProvisioned: "none yet"
    case .certificateEnds(let path, let end):
      "'\(path)' is good until \(Timestamp.text(seconds: end))"
    case .certificateExpired(let path, let end):
      "'\(path)' has expired at \(Timestamp.text(seconds: end))"
    case .certificateNotYetValid(let path, let start):
      "'\(path)' is good from \(Timestamp.text(seconds: start)) on"
    case .handler(let name, let target):
      target.map { "'\(name)' runs '\($0)'" } ?? "'\(name)' runs nothing yet"
    case .noHandlerNamed(let hardwareID): "none is named for hardware id '\(hardwareID)'"
    case .missingHandler(let name, let hardwareID):
      "'\(name)' is gone, which takes care of hardware id '\(hardwareID)'"
    case .notReverted(let name, let target): "'\(name)' could not take back target '\(target)'"
    case .state(let path): "'\(path)'"
    case .unwritableState(let path): "'\(path)' cannot be written to: results are not kept"
    case .failed(let error): error.message.text
    }
  }

  /// What to do about it.
  var advice: String? {
    switch finding {
    case .oddSetting: "correct or remove it; 'coppice config show --origin' shows what is in force"
    case .brokenSettings(let error): error.message.hint
    case .trust where verdict != .ok:
      "'coppice update' fetches newer metadata, if the server has them"
    case .noRoot(let repository, _): "name its file by '\(repository)-root' in '[uptane]'"
    case .noHandlerNamed: "targets for it need one that is named for their format"
    case .missingHandler(let name, _): "put '/etc/coppice/handlers/\(name)' back"
    case .notReverted: "'coppice update' calls it again; see what it says"
    case .missingFile(_, let setting, _): "put the file there, or correct '\(setting.key)'"
    case .readOnlyRepo: Process.isRoot ? "see 'mount'" : "run it as root"
    case .partialCommit: "pull it again to complete it; 'coppice prune' removes what nothing needs"
    case .damagedCommit: "'coppice fsck --repair' fetches them again"
    case .lockHeld: "wait until it is done"
    case .room: "make room, for example with 'coppice prune'"
    case .noNextLink: "'coppice doctor --repair' or the next deploy makes it anew"
    case .noDeployments: "'coppice update' or 'coppice deploy' makes one"
    case .missingTree, .missingKernel:
      "'coppice update --force' deploys again; until then boot another deployment"
    case .store: "'coppice mark-good' or the next update tidies up"
    case .storeProof(.unnamed): "'coppice mark-good' gives it a name; then restart"
    case .storeProof(.untold):
      "restart; the script in bootloader/ tells the kernel the store's name"
    case .storeProof(.partitionUntold): "mount efivarfs at /sys/firmware/efi/efivars"
    case .storeProof(.partitionUnlinked(_, let partition)):
      "udev links '/dev/disk/by-partuuid/\(partition)' to it; without udev do that at each start"
    case .storeProof: "name the right place in 'fw_env.config' or 'loader' of '[boot]'"
    case .unsafeStore: "give U-Boot a redundant environment"
    case .uncountedTrial: "'coppice mark-good' if it works, 'coppice rollback' if it does not"
    case .entriesBehind: "'coppice mark-good' or the next update brings them up, before a restart"
    case .fixedEntry: "'bootctl set-default \"\"' takes that back"
    case .staged: "restart the machine soon, or deploy with coppice"
    case .clockBehind: "set the clock: certificates cannot be judged without it"
    case .noSignatures:
      "set 'sign-verify=ed25519' and a 'verification-ed25519-key' of the remote"
    case .originDiffers: "the next update changes the origin"
    case .notProvisioned: "run 'coppice provision'"
    case .certificateEnds, .certificateExpired:
      "give the device a new certificate while it can still reach its server"
    case .certificateNotYetValid: "is the clock of this device right?"
    case .noOrigin: "the next update writes one"
    case .unwritableState: Process.isRoot ? "see 'mount'" : "run it as root"
    case .failed(let error): error.message.hint
    default: nil
    }
  }

  /// What a script does about it.
  var exitCode: ExitCode {
    switch finding {
    case .brokenSettings(let error): error.message.exit
    case .missingFile: .usage
    case .room: .space
    case .clockBehind, .certificateExpired, .certificateNotYetValid: .failed
    case .failed(let error): error.message.exit
    default: .storage
    }
  }

  private static func trust(_ repository: String, _ state: TrustState) -> String {
    var text = "\(repository) repository: root \(state.root)"
    if let targets = state.targets { text += ", targets \(targets)" }
    if let end = state.expires { text += ", good until \(Timestamp.text(seconds: end))" }
    return text
  }

  private static func marks(_ count: Int) -> String { count == 1 ? "1 mark" : "\(count) marks" }

  private static func quoted(_ files: [String]) -> String {
    files.map { "'\($0)'" }.joined(separator: ", ")
  }
}
