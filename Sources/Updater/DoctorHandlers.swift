// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy

// What the doctor looks for in the targets that handlers take care of.
extension Doctor {
  mutating func examineHandlers(
    _ sysroot: Sysroot, _ settings: Settings, _ now: SysrootState
  ) throws(UpdaterError) {
    let handlers = try Updater(sysroot, settings, remotesFolder: remotesFolder).handlers(now)
    for ecu in settings.handledECUs where !handlers.isInstalled(ecu.hardwareID) {
      add(.handlers, .warn, .noHandlerNamed(hardwareID: ecu.hardwareID))
    }
    for slot in try handlers.slots() {
      if !handlers.isInstalled(slot.handler) {
        add(.handlers, .fail, .missingHandler(slot.handler, hardwareID: slot.ecu.hardwareID))
      } else if let attempt = slot.attempt, attempt.phase == .reverting {
        add(.handlers, .fail, .notReverted(slot.handler, target: attempt.target.name))
      } else {
        add(.handlers, .ok, .handler(slot.handler, target: slot.proven?.name))
      }
    }
  }
}
